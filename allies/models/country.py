"""Countries, current and historic. Their alternative names are in ``alias.py``."""

import datetime as dt
import re
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Func, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, NullIf
from django.db.models.sql.compiler import SQLCompiler
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from allies.models.alias import NamedQuerySet
from allies.models.base import Record, SlugMixin, validate_date_order
from allies.models.fields import (
    EarliestDayField,
    EDTFField,
    LatestDayField,
    NormalizedTextField,
    SortKeyField,
    WikidataField,
)
from allies.models.m49 import REGIONS, SUBREGION_CHOICES, SUBREGIONS
from allies.models.translation import TranslatedAttribute, language_suffix

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


class BinaryOrder(Func):
    """A text that is compared by its characters, whatever the collation of the database."""

    template = "%(expressions)s"
    output_field = models.CharField()

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any
    ) -> Any:
        return self.as_sql(compiler, connection, template='(%(expressions)s) COLLATE "C"', **extra)


def country_order(path: str = "") -> BinaryOrder:
    """Return the expression to sort by a country's name in the active language, like a dictionary.

    ``path`` leads from the row to the country, such as ``country__``.
    """
    return BinaryOrder(F(f"{path}sort_{language_suffix()}"))


class CountryQuerySet(NamedQuerySet["Country"]):
    """Countries are reference data: all of them are public."""

    named = "country"
    name_order = ("sort_en", "pk")

    def published(self) -> "CountryQuerySet":
        return self

    def order_by_name(self, *first: str) -> "CountryQuerySet":
        """Order like a dictionary by name in the active language, after other expressions."""
        return self.order_by(*first, country_order(), "pk")

    def has_code(self, folded: str) -> Q:
        """Return the condition that a country has this alpha-2, alpha-3, COW or Wikidata code."""
        codes = super().has_code(folded) | Q(alpha2__iexact=folded) | Q(alpha3__iexact=folded)
        if folded.isdecimal() and folded.isascii() and len(folded) <= 4:
            codes |= Q(cow_code=int(folded))
        return codes

    def in_region(self, code: str) -> "CountryQuerySet":
        """Filter by the code of an M49 region or sub-region."""
        return self.filter(Q(region=code) | Q(subregion=code))

    def historic(self) -> "CountryQuerySet":
        return self.exclude(existed_to="")

    def current(self) -> "CountryQuerySet":
        return self.filter(existed_to="")


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
    sort_en = SortKeyField("name_en", "name_ind")
    sort_ind = SortKeyField("name_ind", "name_en")

    name = TranslatedAttribute()
    objects = CountryQuerySet.as_manager()

    class Meta(Record.Meta):
        verbose_name = _("country")
        verbose_name_plural = _("countries")
        ordering = ["sort_en", "pk"]
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
    def sort_key(self) -> str:
        """The key to sort countries by their names in the active language, like a dictionary."""
        return str(getattr(self, f"sort_{language_suffix()}"))

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
