"""Alternative names in the admin: as inlines of the named record, and as a list."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from allies.admin.base import RecordAdmin
from allies.admin.inlines import TabularRecordInline
from allies.models import NAMED, Alias


class AliasInline(TabularRecordInline):
    model = Alias
    fields = ("name", "language")


@admin.register(Alias)
class AliasAdmin(RecordAdmin):
    list_display = ("name", "named", "language")
    list_filter = ("language",)
    list_select_related = NAMED
    search_fields = ("folded", "country__folded", "alliance__folded")
    autocomplete_fields = NAMED
    fields = (*NAMED, "name", "language")

    @admin.display(description=_("of"))
    def named(self, alias: Alias) -> str:
        return str(alias.country or alias.alliance)
