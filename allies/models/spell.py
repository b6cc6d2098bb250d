"""Spells: the periods in which a state existed."""

import datetime as dt

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from allies.models.base import Record, validate_date_order
from allies.models.country import Country
from allies.models.fields import EarliestDayField, EDTFField, LatestDayField
from allies.text.edtf import UnreadableDate, bounds


class SpellQuerySet(models.QuerySet["Spell"]):
    def published(self) -> "SpellQuerySet":
        """Spells are reference data, like countries: all of them are public."""
        return self


class Spell(Record):
    """A period in which a state existed. A state that was restored has several."""

    country = models.ForeignKey(
        Country, verbose_name=_("country"), on_delete=models.CASCADE, related_name="spells"
    )
    began = EDTFField(_("began"))
    began_earliest = EarliestDayField("began")
    began_latest = LatestDayField("began")
    ended = EDTFField(_("ended"), help_text=_("Empty if the state still exists."))
    ended_earliest = EarliestDayField("ended")
    ended_latest = LatestDayField("ended")

    objects = SpellQuerySet.as_manager()

    class Meta(Record.Meta):
        verbose_name = _("period of existence")
        verbose_name_plural = _("periods of existence")
        ordering = ["began_latest", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["country", "began"],
                name="spell_once",
                violation_error_message=_("This country already has a period with this beginning."),
            ),
            models.CheckConstraint(
                condition=Q(ended_latest__isnull=True)
                | Q(began_earliest__isnull=True)
                | Q(ended_latest__gte=models.F("began_earliest")),
                name="spell_ends_after_start",
                violation_error_message=_("A state cannot end before it begins."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.country}: {self.began} – {self.ended}"

    def includes(self, day: dt.date) -> bool:
        """Whether the state may have existed on a day in this period."""
        first, last = self.began_earliest, self.ended_latest
        return (first is None or first <= day) and (last is None or day <= last)

    def clean(self) -> None:
        errors: dict[str, object] = {}
        validate_date_order(errors, self, "began", "ended")
        if not errors and self.country_id is not None:
            self._check_country(errors)
        if errors:
            raise ValidationError(errors)

    def _check_country(self, errors: dict[str, object]) -> None:
        """Add an error if the period is certainly outside the dates of its country."""
        try:
            began, ended = bounds(self.began), bounds(self.ended)
        except UnreadableDate:
            return  # the field reports it
        first, last = self.country.existed_from_earliest, self.country.existed_to_latest
        if first and began.latest and began.latest < first:
            errors["began"] = _("The country’s own date says that it existed only later.")
        if last and (ended.earliest is None or ended.earliest > last):
            errors["ended"] = _("The country’s own date says that it ended before.")
