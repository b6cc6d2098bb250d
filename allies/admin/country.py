"""Countries in the admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from allies.admin.alias import AliasInline
from allies.admin.base import RecordAdmin
from allies.admin.inlines import TabularRecordInline
from allies.models import Country, Spell


class SpellInline(TabularRecordInline):
    model = Spell
    fields = ("began", "ended")


@admin.register(Country)
class CountryAdmin(RecordAdmin):
    list_display = ("name", "alpha3", "cow_code", "region", "subregion", "existed_to")
    list_filter = ("region", "subregion")
    search_fields = ("folded",)
    search_help_text = _("A name in any language, an alternative name or a code.")
    autocomplete_fields = ("successor",)
    inlines = (SpellInline, AliasInline)
    fieldsets = (
        (None, {"fields": ("name_en", "name_ind", "slug")}),
        (_("Codes"), {"fields": (("alpha3", "alpha2", "m49", "cow_code", "wikidata"),)}),
        (_("Region"), {"fields": (("region", "subregion"),)}),
        (_("Existence"), {"fields": (("existed_from", "existed_to"), "successor")}),
    )

    @admin.display(description=_("name"), ordering="name_en")
    def name(self, country: Country) -> str:
        return country.name

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        """Find a country by any of its names; autocomplete fields use this too."""
        if not search_term:
            return queryset, False
        return queryset.name_contains(search_term).order_by_name_match(search_term), False


@admin.register(Spell)
class SpellAdmin(RecordAdmin):
    list_display = ("country", "began", "ended")
    list_select_related = ("country",)
    search_fields = ("country__folded",)
    autocomplete_fields = ("country",)
    fields = ("country", ("began", "ended"))
