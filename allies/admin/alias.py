"""Alternative names in the admin: as inlines of the named record, as a list, and in searches."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ORDER_VAR
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from allies.admin.base import RecordAdmin
from allies.admin.inlines import TabularRecordInline
from allies.models import NAMED, Alias


class AliasInline(TabularRecordInline):
    model = Alias
    fields = ("name", "language")


class NamedRecordMixin:
    """The admin of a record type with aliases: searches find a record by any of its names."""

    search_fields: Any = ("folded",)
    search_help_text: Any = _("A name in any language, an alternative name or a code.")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        """Filter by name, the best match first, unless the user sorted the list by a column.

        Autocomplete fields and the search for a record to merge use this too.
        """
        if not search_term:
            return queryset, False
        found = queryset.name_contains(search_term)
        if ORDER_VAR not in request.GET:
            found = found.order_by_name_match(search_term)
        return found, False


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
