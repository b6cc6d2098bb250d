"""Lists of allies: our own, and those that a source published."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from allies.models import m49
from allies.models.base import (
    MAX_PROSE_LENGTH,
    PublicationIssue,
    Publishable,
    Record,
    Status,
    TitleMixin,
    choices_constraint,
    published_requires_text,
    validate_title,
    validation_issues,
)
from allies.models.citation import Citation, EvidencedQuerySet, iterate_notes
from allies.models.country import Country
from allies.models.fields import NormalizedTextField, ProseField, prose_fields
from allies.models.source import Source
from allies.models.translation import TranslatedAttribute, localized_expression
from allies.text.numbers import count_in_words


def headline_count_text(promised: int | None, present: int) -> str:
    """Compare the number in a headline with the number of entries; "" without such a number."""
    if not promised:
        return ""
    if promised == present:
        said = ngettext(
            "The headline says %(n)s, and we could verify it.",
            "The headline says %(n)s, and we could verify all of them.",
            promised,
        )
    elif present:
        said = gettext("The headline says %(n)s; we could verify %(present)s.")
    else:
        said = gettext("The headline says %(n)s; we could not verify any.")
    return said % {"n": count_in_words(promised), "present": count_in_words(present)}


class AllyListQuerySet(models.QuerySet["AllyList"]):
    def published(self) -> "AllyListQuerySet":
        """Filter for public lists: published, with at least one supported entry."""
        return self.filter(status=Status.PUBLISHED).filter(
            pk__in=Entry.objects.supported().values("ally_list")
        )

    def featured_first(self) -> "AllyListQuerySet":
        return self.order_by("-featured", localized_expression("title"), "pk")


class AllyList(TitleMixin, Publishable):
    """A titled, ordered list of a focus country's allies, optionally in one region.

    It is our own list or, with ``recorded_from``, a list that a source published.
    """

    focus = models.ForeignKey(
        Country,
        verbose_name=_("focus country"),
        on_delete=models.PROTECT,
        related_name="ally_lists",
        help_text=_("The country whose allies the list names."),
    )
    scope = models.CharField(
        _("region (M49)"),
        max_length=3,
        blank=True,
        default="",
        choices=list(m49.NAMES.items()),
        help_text=_("The region that the list is limited to; empty for the whole world."),
    )
    recorded_from = models.ForeignKey(
        Source,
        verbose_name=_("published by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="recorded_lists",
        help_text=_("The source that published this list; empty for a list of our own."),
    )
    promised = models.PositiveSmallIntegerField(
        _("number in the headline"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("How many allies the headline mentions."),
    )
    byline = models.CharField(
        _("byline"),
        max_length=200,
        blank=True,
        default="",
        help_text=_("Who wrote the list, like “Dana Putri and Budi Santoso”."),
    )
    featured = models.BooleanField(
        _("featured"), default=False, help_text=_("Shown on the front page.")
    )
    intro_en = ProseField(
        _("introduction (English)"), max_length=MAX_PROSE_LENGTH, blank=True, default=""
    )
    intro_ind = ProseField(
        _("introduction (Indonesian)"), max_length=MAX_PROSE_LENGTH, blank=True, default=""
    )
    folded = NormalizedTextField("title_en", "title_ind")

    intro = TranslatedAttribute()
    objects = AllyListQuerySet.as_manager()

    class Meta(Publishable.Meta):
        verbose_name = _("ally list")
        verbose_name_plural = _("ally lists")
        ordering = ["slug"]
        constraints = [
            choices_constraint("allylist", "status", Status),
            published_requires_text("allylist", "title"),
            models.CheckConstraint(
                condition=Q(promised__isnull=True) | Q(promised__gte=1),
                name="allylist_promises_one",
                violation_error_message=_("The number in a headline is at least one."),
            ),
        ]

    def get_absolute_url(self) -> str:
        return reverse("allies:allylist-detail", args=[self.slug])

    @property
    def scope_name(self) -> Any:
        return m49.NAMES.get(self.scope, "")

    def clean(self) -> None:
        errors: dict[str, object] = {}
        source = self.recorded_from
        if self.is_published and source is not None and not source.is_published:
            errors["recorded_from"] = _("The source of this list is not published.")
        validate_title(errors, self)
        if errors:
            raise ValidationError(errors)

    def texts(self) -> Iterator[str]:
        """Yield its own texts, its entries' texts and their citations' notes; two queries."""
        yield from super().texts()
        if self.pk:
            names = [field.name for field in prose_fields(Entry)]
            for texts in self.entries.values_list(*names):
                yield from texts
            yield from iterate_notes(Citation.objects.filter(entry__ally_list=self))

    def publication_issues(self) -> list[PublicationIssue]:
        missing = [*self.missing_title(), *self.missing_cited_keys(), *validation_issues(self)]
        if self.recorded_from is not None and not self.recorded_from.is_published:
            missing.append(
                PublicationIssue(_("The source of this list is not published."), "recorded_from")
            )
        entries = Entry.objects.filter(ally_list=self) if self.pk else Entry.objects.none()
        supported = set(entries.supported().values_list("pk", flat=True))
        unsupported = [
            entry for entry in entries.select_related("country") if entry.pk not in supported
        ]
        if not supported and not unsupported:
            missing.append(PublicationIssue(_("The list has no entries."), "entries"))
        missing += [
            PublicationIssue(
                _("The entry %(country)s needs a published source that supports it.")
                % {"country": entry.country},
                "citations",
                record=entry,
            )
            for entry in unsupported
        ]
        return missing


class EntryQuerySet(EvidencedQuerySet["Entry"]):
    target = "entry"

    def published(self) -> "EntryQuerySet":
        """Filter for public entries: in published lists, and supported by a published source."""
        return self.filter(ally_list__status=Status.PUBLISHED).supported()

    def order_by_position(self) -> "EntryQuerySet":
        return self.order_by("ally_list", "position", "pk")

    def other_lists_naming(
        self, ally_list: AllyList, countries: Iterable[Country]
    ) -> dict[int, list[AllyList]]:
        """Return country id → other public lists of the same focus that name it; one query."""
        entries = (
            self.published()
            .filter(ally_list__focus=ally_list.focus, country__in=countries)
            .exclude(ally_list=ally_list)
            .select_related("ally_list", "ally_list__recorded_from")
            .order_by("ally_list__slug")
        )
        named: dict[int, list[AllyList]] = {}
        for entry in entries:
            named.setdefault(entry.country_id, []).append(entry.ally_list)
        return named


class Entry(Record):
    """A country's place in a list, with the list's text about it."""

    ally_list = models.ForeignKey(
        AllyList, verbose_name=_("ally list"), on_delete=models.CASCADE, related_name="entries"
    )
    country = models.ForeignKey(
        Country, verbose_name=_("country"), on_delete=models.PROTECT, related_name="entries"
    )
    position = models.PositiveSmallIntegerField(_("position"), validators=[MinValueValidator(1)])
    prose_en = ProseField(_("text (English)"), max_length=MAX_PROSE_LENGTH, blank=True, default="")
    prose_ind = ProseField(
        _("text (Indonesian)"), max_length=MAX_PROSE_LENGTH, blank=True, default=""
    )

    prose = TranslatedAttribute()
    objects = EntryQuerySet.as_manager()

    class Meta(Record.Meta):
        verbose_name = _("entry")
        verbose_name_plural = _("entries")
        ordering = ["ally_list", "position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["ally_list", "country"],
                name="entry_once",
                violation_error_message=_("This country is already on the list."),
            ),
            models.CheckConstraint(
                condition=Q(position__gte=1),
                name="entry_position_from_one",
                violation_error_message=_("Positions start at 1."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ally_list}: {self.country}"

    @property
    def code(self) -> str:
        """The key of this entry in files: its list's slug, a slash and its country's code."""
        return f"{self.ally_list.slug}/{self.country.code}"

    @property
    def publication_root(self) -> AllyList:
        return self.ally_list

    def clean(self) -> None:
        if self.ally_list_id and self.country_id == self.ally_list.focus_id:
            raise ValidationError({"country": _("A country cannot be its own ally.")})


class SeeAlsoQuerySet(models.QuerySet["SeeAlso"]):
    def published(self) -> "SeeAlsoQuerySet":
        """Filter for links from published lists to published sources."""
        return self.filter(
            ally_list__in=AllyList.objects.published(), source__status=Status.PUBLISHED
        )


class SeeAlso(Record):
    """A source that a list recommends for further reading."""

    ally_list = models.ForeignKey(
        AllyList, verbose_name=_("ally list"), on_delete=models.CASCADE, related_name="see_also"
    )
    source = models.ForeignKey(
        Source, verbose_name=_("source"), on_delete=models.PROTECT, related_name="see_also_of"
    )
    position = models.PositiveSmallIntegerField(
        _("position"), default=1, validators=[MinValueValidator(1)]
    )

    objects = SeeAlsoQuerySet.as_manager()

    class Meta(Record.Meta):
        verbose_name = _("see also")
        verbose_name_plural = _("see also")
        ordering = ["ally_list", "position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["ally_list", "source"],
                name="seealso_once",
                violation_error_message=_("The list already refers to this source."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ally_list}: {self.source}"

    @property
    def publication_root(self) -> AllyList:
        return self.ally_list
