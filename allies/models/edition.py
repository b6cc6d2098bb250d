"""Editions: published lists, frozen as readers saw them, with a number, a hash and a URL.

An edition never changes once it is made. Only a retraction may be added, with a reason that
readers see. The content of a retracted edition stays stored, but nobody sees it.
"""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from allies.models.ally_list import AllyList
from allies.models.base import OldSlug
from allies.models.stateful import Stateful

#: The fields that a retraction writes; no other field of an edition is ever updated.
_RETRACTION = {"retracted_at", "retracted_by", "retraction"}


def canonical_json(content: Mapping[str, object]) -> str:
    """Return a content as canonical JSON: keys sorted, no whitespace, no escaped characters.

    Its UTF-8 bytes are hashed, and are the response at the URL of the JSON.
    """
    return json.dumps(
        content, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    )


def sha256_hex(text: str) -> str:
    """Return the SHA-256 hash of a text's UTF-8 bytes, as hexadecimal digits."""
    return sha256(text.encode()).hexdigest()


class EditionImmutable(ValidationError):
    """Raised by an attempt to change or delete an edition."""

    def __init__(self) -> None:
        super().__init__(_("Editions cannot be changed or deleted."))


class EditionQuerySet(models.QuerySet["Edition"]):
    """Readers may see all editions; of a retracted one only the number, hash and reason."""

    def published(self) -> "EditionQuerySet":
        """Filter for editions whose content readers may see: all that are not retracted."""
        return self.filter(retracted_at=None)

    def of(self, ally_list: AllyList) -> "EditionQuerySet":
        """Filter for editions of a list and of lists merged into it, newest first."""
        led = OldSlug.objects.filter(noun="allylist", record_id=ally_list.pk).values("slug")
        there = AllyList.objects.filter(pk=OuterRef("ally_list_id"))
        merged = Q(slug__in=led) & ~Exists(there)
        return self.filter(Q(ally_list=ally_list.pk) | merged).newest_first()

    def same_list(self, edition: "Edition") -> "EditionQuerySet":
        """All editions of an edition's list, including itself, newest first."""
        return self.filter(ally_list=edition.ally_list_id).newest_first()

    def newest_first(self) -> "EditionQuerySet":
        return self.order_by("-made_at", "-number", "-pk")

    def update(self, **fields: object) -> int:
        """Write retractions; raise EditionImmutable for other fields."""
        if set(fields) - _RETRACTION:
            raise EditionImmutable
        return super().update(**fields)

    def bulk_create(self, objs: "Iterable[Edition]", *args: Any, **kwargs: Any) -> "list[Edition]":
        """Insert new editions; raise EditionImmutable if it would update existing ones."""
        if kwargs.get("update_conflicts"):
            raise EditionImmutable
        return super().bulk_create(objs, *args, **kwargs)

    def delete(self) -> NoReturn:
        raise EditionImmutable


class Edition(Stateful):
    """A list as it was published at a point in time."""

    STATE = ("retracted_at",)

    # No database constraint: an edition outlives its list, and keeps the list's id.
    ally_list = models.ForeignKey(
        AllyList,
        verbose_name=_("ally list"),
        db_constraint=False,
        on_delete=models.DO_NOTHING,
        related_name="editions",
    )
    number = models.PositiveIntegerField(_("number"))
    key = models.SlugField(_("key"), max_length=160, unique=True)
    #: The list's slug when the edition was made.
    slug = models.SlugField(_("slug"), max_length=120)
    content = models.TextField(_("content"))
    sha256 = models.CharField("SHA-256", max_length=64)
    note = models.CharField(_("note for readers"), max_length=1000, blank=True, default="")
    made_at = models.DateTimeField(_("created"))
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("created by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    retracted_at = models.DateTimeField(_("retracted"), null=True, blank=True)
    retracted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("retracted by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    #: The reason for the retraction, for readers.
    retraction = models.TextField(_("reason"), max_length=1000, blank=True, default="")

    objects = EditionQuerySet.as_manager()

    class Meta:
        verbose_name = _("edition")
        verbose_name_plural = _("editions")
        default_permissions = ("view",)
        ordering = ["-made_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["ally_list", "number"],
                name="edition_numbered_once",
                violation_error_message=_("The list already has an edition with this number."),
            ),
            models.CheckConstraint(
                condition=Q(number__gte=1),
                name="edition_number_from_one",
                violation_error_message=_("Edition numbers start at 1."),
            ),
            models.CheckConstraint(
                condition=Q(Exact(Length("sha256"), 64)),
                name="edition_has_hash",
                violation_error_message=_("An edition needs the SHA-256 hash of its content."),
            ),
            models.CheckConstraint(
                condition=Q(retracted_at__isnull=True, retraction="")
                | (Q(retracted_at__isnull=False) & ~Q(retraction="")),
                name="edition_retracted_with_reason",
                violation_error_message=_("Give a reason for the retraction."),
            ),
        ]

    def __str__(self) -> str:
        return self.key

    def get_absolute_url(self) -> str:
        return reverse("allies:edition-detail", args=[self.key])

    @property
    def is_retracted(self) -> bool:
        return self.retracted_at is not None

    @property
    def is_intact(self) -> bool:
        """Whether the content still matches the hash that was stored when it was made."""
        return sha256_hex(self.content) == self.sha256

    @cached_property
    def data(self) -> dict[str, Any]:
        """The parsed content."""
        found: dict[str, object] = json.loads(self.content)
        return found

    def save(self, *args: object, **kwargs: Any) -> None:
        """Insert a new edition; raise EditionImmutable for an existing one."""
        if not self._state.adding:
            raise EditionImmutable
        super().save(*args, **kwargs)

    def delete(self, *args: object, **kwargs: object) -> NoReturn:
        raise EditionImmutable
