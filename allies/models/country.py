"""Countries, current and historic. Their alternative names are in ``alias.py``."""

import datetime as dt
import re

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, NullIf
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from allies.models.alias import Alias
from allies.models.base import Record, SlugMixin, validate_date_order
from allies.models.fields import (
    EarliestDayField,
    EDTFField,
    LatestDayField,
    NormalizedTextField,
    WikidataField,
)
from allies.models.m49 import REGIONS, SUBREGION_CHOICES, SUBREGIONS
from allies.models.translation import TranslatedAttribute, language_suffix, localized_expression
from allies.text.normalize import normalize_text

#: English names that need an article in a sentence: "allies of the United States".
_WITH_ARTICLE = re.compile(
    r"(United|Dominican|Central African|DR|Republic|Bahamas|Comoros|Gambia|Holy|Isle|Maldives|"
    r"Netherlands|Papal|Philippines|Two)\b|.* (Islands|Territories|Territory)$"
)


def country_code(path: str = "") -> Combinable:
    """Return an expression for ``Country.code`` of the country at ``path``, or of the row."""
    alpha3, cow_code, slug = (
        f"{path}__{name}" if path else name for name in ("alpha3", "cow_code", "slug")
    )
    return Coalesce(
        NullIf(F(alpha3), Value("")),
        Cast(cow_code, models.CharField()),
        F(slug),
        output_field=models.CharField(),
    )


class CountryQuerySet(models.QuerySet["Country"]):
    """Countries are reference data: all of them are public."""

    def published(self) -> "CountryQuerySet":
        return self

    def order_by_name(self, *first: str) -> "CountryQuerySet":
        """Order by name in the active language, or first by other expressions."""
        # The folded text begins with the English name and has no accents, so that Åland comes
        # under A. Indonesian names have hardly any accents.
        return self.order_by(
            *first, "folded" if language_suffix() == "en" else localized_expression("name"), "pk"
        )

    def name_contains(self, text: str) -> "CountryQuerySet":
        """Filter by a text in a name or an alias, or by a code; ignores case and accents.

        Empty text returns all countries; text without letters and digits returns none.
        """
        folded = normalize_text(text)
        if not folded:
            return self.none() if text.strip() else self
        alias = Alias.objects.filter(country=OuterRef("pk"), folded__contains=folded)
        return self.filter(Q(folded__contains=folded) | _has_code(folded) | Exists(alias))

    def exact_name(self, text: str) -> "CountryQuerySet":
        """Filter by exactly this code, slug, name or alias; ignores case and accents."""
        folded = normalize_text(text)
        if not folded:
            return self.none()
        return self.filter(_has_exact_name(folded) | Q(slug=text.strip().lower()))

    def order_by_name_match(self, text: str) -> "CountryQuerySet":
        """Order by match: exact names and codes first, then names that begin with the text."""
        folded = normalize_text(text)
        alias = Alias.objects.filter(country=OuterRef("pk"), folded__startswith=folded)
        begins = Q(folded__startswith=folded) | Q(folded__contains=f"|{folded}") | Exists(alias)
        rank = Case(When(_has_exact_name(folded), then=0), When(begins, then=1), default=2)
        return self.order_by(rank, "folded", "pk")

    def in_region(self, code: str) -> "CountryQuerySet":
        """Filter by the code of an M49 region or sub-region."""
        return self.filter(Q(region=code) | Q(subregion=code))

    def historic(self) -> "CountryQuerySet":
        return self.exclude(existed_to="")

    def current(self) -> "CountryQuerySet":
        return self.filter(existed_to="")


def _has_exact_name(folded: str) -> Q:
    """Return the condition that a country has exactly this code, name or alias."""
    alias = Alias.objects.filter(country=OuterRef("pk"), folded=folded)
    among = Q(folded__startswith=f"{folded}|") | Q(folded__endswith=f"|{folded}")
    return Q(folded=folded) | among | _has_code(folded) | Q(Exists(alias))


def _has_code(text: str) -> Q:
    """Return the condition that a country has this alpha-2, alpha-3 or COW code."""
    codes = Q(alpha2__iexact=text) | Q(alpha3__iexact=text)
    if text.isdecimal() and text.isascii() and len(text) <= 4:
        codes |= Q(cow_code=int(text))
    return codes


class Country(SlugMixin, Record):
    """A state, current or historic, or a territory with its own ISO 3166-1 code."""

    alpha3 = models.CharField(
        _("ISO alpha-3"),
        max_length=3,
        blank=True,
        default="",
        validators=[RegexValidator(r"^[A-Z]{3}$", _("Three capital letters, like RUS."))],
    )
    alpha2 = models.CharField(
        _("ISO alpha-2"),
        max_length=2,
        blank=True,
        default="",
        validators=[RegexValidator(r"^[A-Z]{2}$", _("Two capital letters, like RU."))],
    )
    m49 = models.CharField(
        _("M49 code"),
        max_length=3,
        blank=True,
        default="",
        validators=[RegexValidator(r"^\d{3}$", _("Three digits, like 643."))],
    )
    cow_code = models.PositiveSmallIntegerField(
        _("COW code"),
        null=True,
        blank=True,
        help_text=_("State number of the Correlates of War project, like 365."),
    )
    wikidata = WikidataField()
    name_en = models.CharField(_("name (English)"), max_length=120, blank=True, default="")
    name_ind = models.CharField(_("name (Indonesian)"), max_length=120, blank=True, default="")
    region = models.CharField(
        _("region (M49)"), max_length=3, blank=True, default="", choices=list(REGIONS.items())
    )
    subregion = models.CharField(
        _("sub-region (M49)"), max_length=3, blank=True, default="", choices=SUBREGION_CHOICES
    )
    existed_from = EDTFField(_("existed from"))
    existed_from_earliest = EarliestDayField("existed_from")
    existed_from_latest = LatestDayField("existed_from")
    existed_to = EDTFField(_("existed to"), help_text=_("Empty for a current country."))
    existed_to_earliest = EarliestDayField("existed_to")
    existed_to_latest = LatestDayField("existed_to")
    successor = models.ForeignKey(
        "self",
        verbose_name=_("successor"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="predecessors",
    )
    folded = NormalizedTextField("name_en", "name_ind")

    name = TranslatedAttribute()
    objects = CountryQuerySet.as_manager()

    class Meta(Record.Meta):
        verbose_name = _("country")
        verbose_name_plural = _("countries")
        ordering = ["name_en", "pk"]
        constraints = [
            *(
                models.UniqueConstraint(
                    fields=[code],
                    condition=~Q(**{code: ""}),
                    name=f"country_{code}_unique",
                    violation_error_message=_("Another country already has this code."),
                )
                for code in ("alpha3", "alpha2", "m49", "wikidata")
            ),
            models.UniqueConstraint(
                fields=["cow_code"],
                name="country_cow_code_unique",
                violation_error_message=_("Another country already has this code."),
            ),
            models.CheckConstraint(
                condition=~Q(name_en="", name_ind=""),
                name="country_has_name",
                violation_error_message=_("A country needs a name in at least one language."),
            ),
            models.CheckConstraint(
                condition=~Q(successor=models.F("pk")),
                name="country_not_own_successor",
                violation_error_message=_("A country cannot be its own successor."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("allies:country-detail", args=[self.slug])

    def slug_base(self) -> str:
        return self.name_en or self.name_ind

    @property
    def name_in_text(self) -> str:
        """The name for use within a sentence in the active language: with "the" if needed."""
        name = self.name
        return f"the {name}" if name.lang == "en" and _WITH_ARTICLE.match(name) else name

    def existed_on(self, day: dt.date) -> bool:
        """Whether the country may have existed on a day; unknown dates exclude nothing.

        One query, if its spells are not prefetched. Without spells, its own dates count.
        """
        if spells := self.spells.all():
            return any(spell.includes(day) for spell in spells)
        first, last = self.existed_from_earliest, self.existed_to_latest
        return (first is None or first <= day) and (last is None or day <= last)

    @property
    def code(self) -> str:
        """The code of this country in files: alpha-3, else COW code, else slug."""
        return self.alpha3 or (str(self.cow_code) if self.cow_code is not None else self.slug)

    @property
    def codes(self) -> list[str]:
        """Its alpha-3, alpha-2 and COW codes, without missing ones."""
        cow = "" if self.cow_code is None else str(self.cow_code)
        return [code for code in (self.alpha3, self.alpha2, cow) if code]

    def clean(self) -> None:
        errors: dict[str, object] = {}
        if not self.name_en and not self.name_ind:
            errors["name_en"] = _("A country needs a name in at least one language.")
        if self.subregion and self.region != SUBREGIONS[self.subregion][0]:
            errors["subregion"] = _("This sub-region belongs to another region.")
        if self.successor_id is not None and self.successor_id == self.pk:
            errors["successor"] = _("A country cannot be its own successor.")
        validate_date_order(errors, self, "existed_from", "existed_to")
        if errors:
            raise ValidationError(errors)
