"""Alternative names of countries and alliances."""

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from allies.models.base import Publishable, Record
from allies.models.fields import NormalizedTextField
from allies.text.normalize import normalize_text

#: Foreign keys of an alias; exactly one of them is set.
NAMED = ("country", "alliance")


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
