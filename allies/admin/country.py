"""Countries in the admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from allies.admin.alias import AliasInline, NamedRecordMixin
from allies.admin.base import RecordAdmin
from allies.admin.inlines import TabularRecordInline
from allies.models import Country, Spell
from allies.models.country import country_order


class SpellInline(TabularRecordInline):
    model = Spell
    fields = ("began", "ended")


@admin.register(Country)
class CountryAdmin(NamedRecordMixin, RecordAdmin):
    list_display = ("name", "alpha3", "cow_code", "region", "subregion", "existed_to")
    list_filter = ("region", "subregion")
    autocomplete_fields = ("successor",)
    inlines = (SpellInline, AliasInline)
    fieldsets = (
        (None, {"fields": ("name_en", "name_ind", "slug")}),
        (_("Codes"), {"fields": (("alpha3", "alpha2", "m49", "cow_code", "wikidata"),)}),
        (_("Region"), {"fields": (("region", "subregion"),)}),
        (_("Existence"), {"fields": (("existed_from", "existed_to"), "successor")}),
    )

    @admin.display(description=_("name"), ordering="sort_en")
    def name(self, country: Country) -> str:
        return country.name

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        return [country_order(), "pk"]


@admin.register(Spell)
class SpellAdmin(RecordAdmin):
    list_display = ("country", "began", "ended")
    list_select_related = ("country",)
    search_fields = ("country__folded",)
    autocomplete_fields = ("country",)
    fields = ("country", ("began", "ended"))
