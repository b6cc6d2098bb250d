"""Alternative names of countries and alliances."""

from typing import Any, Self, TypeVar

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Case, Exists, OuterRef, Q, When
from django.utils.translation import gettext_lazy as _

from allies.models.base import Publishable, Record
from allies.models.fields import NormalizedTextField
from allies.text.normalize import normalize_text

#: Foreign keys of an alias; exactly one of them is set.
NAMED = ("country", "alliance")

SomeRecord = TypeVar("SomeRecord", bound=models.Model)


class AliasQuerySet(models.QuerySet["Alias"]):
    def published(self) -> "AliasQuerySet":
        """Filter for names of public records; countries are always public."""
        from allies.models.alliance import Alliance  # imported late: it has aliases

        return self.filter(Q(country__isnull=False) | Q(alliance__in=Alliance.objects.published()))


class Alias(Record):
    """An alternative name of a country or an alliance: Tiongkok, DPRK, Burma, NATO, OTAN."""

    country = models.ForeignKey(
        "Country",
        verbose_name=_("country"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="aliases",
    )
    alliance = models.ForeignKey(
        "Alliance",
        verbose_name=_("alliance"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="aliases",
    )
    name = models.CharField(_("name"), max_length=160)
    language = models.CharField(
        _("language"),
        max_length=3,
        blank=True,
        default="",
        validators=[RegexValidator(r"^[a-z]{2,3}$", _("An ISO 639 code, like id or en."))],
        help_text=_("ISO 639 code of the name’s language; empty for codes and abbreviations."),
    )
    folded = NormalizedTextField("name")

    objects = AliasQuerySet.as_manager()

    class Meta(Record.Meta):
        verbose_name = _("alternative name")
        verbose_name_plural = _("alternative names")
        ordering = ["name", "pk"]
        indexes = [models.Index(fields=["folded"], name="alias_folded")]
        constraints = [
            models.UniqueConstraint(
                fields=["country", "name"],
                name="alias_unique",
                violation_error_message=_("This country already has this name."),
            ),
            models.UniqueConstraint(
                fields=["alliance", "name"],
                name="alias_alliance_unique",
                violation_error_message=_("This alliance already has this name."),
            ),
            models.CheckConstraint(
                condition=Q(country__isnull=False, alliance__isnull=True)
                | Q(country__isnull=True, alliance__isnull=False),
                name="alias_of_one_record",
                violation_error_message=_("A name belongs to exactly one country or alliance."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def publication_root(self) -> Publishable | None:
        return self.alliance

    def clean(self) -> None:
        if not normalize_text(self.name):
            raise ValidationError({"name": _("A name needs at least one letter or digit.")})
        # An inline form sets the record after validation; then only the constraint checks it.
        if self.country_id is not None and self.alliance_id is not None:
            raise ValidationError(_("A name belongs to exactly one country or alliance."))


def other_names(record: Any, shown: str) -> list[Alias]:
    """Return the aliases of a country or an alliance, without the name that is shown."""
    return [alias for alias in record.aliases.all() if alias.name != shown]


class NamedQuerySet(models.QuerySet[SomeRecord]):
    """Base class of querysets of records with aliases, which any of their names finds.

    The model has a slug, and ``folded`` with its own names. All methods ignore case and accents.
    """

    #: Name of the alias's foreign key to these records.
    named: str
    #: Order of equally good matches.
    name_order: tuple[str, ...] = ("folded", "pk")

    def has_code(self, folded: str) -> Q:
        """Return the condition that a record has this code; ``folded`` is normalized."""
        return Q(wikidata__iexact=folded)

    def name_contains(self, text: str) -> Self:
        """Filter for records with each word of a text in one of their names, or with this code.

        Empty text returns all records; text without letters and digits returns none.
        """
        folded = normalize_text(text)
        if not folded:
            return self.none() if text.strip() else self
        all_words = Q()
        for word in folded.split():
            all_words &= Q(folded__contains=word) | Q(Exists(self._aliases(folded__contains=word)))
        return self.filter(all_words | self.has_code(folded))

    def exact_name(self, text: str) -> Self:
        """Filter for records with exactly this code, slug, name or alias."""
        folded = normalize_text(text)
        if not folded:
            return self.none()
        return self.filter(self.has_exact_name(folded) | Q(slug=text.strip().lower()))

    def order_by_name_match(self, text: str) -> Self:
        """Order by match: exact names and codes first, then names that begin with the text."""
        folded = normalize_text(text)
        begins = Q(folded__startswith=folded) | Q(folded__contains=f"|{folded}")
        begins |= Q(Exists(self._aliases(folded__startswith=folded)))
        rank = Case(When(self.has_exact_name(folded), then=0), When(begins, then=1), default=2)
        return self.order_by(rank, *self.name_order)

    def has_exact_name(self, folded: str) -> Q:
        """Return the condition that a record has exactly this code, name or alias."""
        own = self.has_own_name(folded) | self.has_code(folded)
        return own | Q(Exists(self._aliases(folded=folded)))

    def has_own_name(self, folded: str) -> Q:
        """Return the condition that a record has exactly this name, not counting its aliases."""
        own = Q(folded=folded) | Q(folded__contains=f"|{folded}|")
        return own | Q(folded__startswith=f"{folded}|") | Q(folded__endswith=f"|{folded}")

    def _aliases(self, **given: str) -> "models.QuerySet[Alias]":
        """Return the aliases of the outer query's record that match."""
        return Alias.objects.filter(**{self.named: OuterRef("pk")}, **given)
