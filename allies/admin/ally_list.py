"""Ally lists and their entries in the admin."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from allies.admin.alerts_filter import AlertFilter
from allies.admin.base import RecordAdmin
from allies.admin.citation import CitationInline
from allies.admin.edition import EditionsMixin
from allies.admin.inlines import TabularRecordInline
from allies.admin.status_buttons import (
    EvidenceMixin,
    PublishableAdmin,
    independent_sources,
    title,
)
from allies.models import AllyList, Entry, KeyEvent, SeeAlso

if TYPE_CHECKING:
    from allies.models.ally_list import AllyListQuerySet


class EntryInline(TabularRecordInline):
    model = Entry
    fields = ("position", "country")
    autocomplete_fields = ("country",)
    show_change_link = True
    verbose_name_plural = _("entries (open one for its text, key events and citations)")


class KeyEventInline(TabularRecordInline):
    model = KeyEvent
    fields = ("position", "event")
    autocomplete_fields = ("event",)
    verbose_name_plural = _("key events (without any, readers see the latest events)")


class SeeAlsoInline(TabularRecordInline):
    model = SeeAlso
    fields = ("position", "source")
    autocomplete_fields = ("source",)


@admin.register(AllyList)
class AllyListAdmin(EditionsMixin, PublishableAdmin):
    list_display = (title, "focus", "scope", "recorded_from", "promise", "featured", "status")
    list_filter = (AlertFilter, "status", "featured", "scope")
    list_select_related = ("focus", "recorded_from")
    search_fields = ("folded",)
    autocomplete_fields = ("focus", "recorded_from")
    inlines = (EntryInline, SeeAlsoInline)
    fieldsets = (
        (None, {"fields": ("status", "title_en", "title_ind", "slug", "byline", "featured")}),
        (
            _("What the list covers"),
            {"fields": (("focus", "scope"), ("recorded_from", "promised"))},
        ),
        (_("Introduction"), {"fields": ("intro_en", "intro_ind")}),
    )

    @admin.display(description=_("entries / headline"))
    def promise(self, ally_list: Any) -> str:
        return f"{ally_list.entry_count} / {ally_list.promised or '–'}"

    def get_queryset(self, request: HttpRequest) -> "AllyListQuerySet":
        return super().get_queryset(request).annotate(entry_count=Count("entries"))


@admin.register(Entry)
class EntryAdmin(EvidenceMixin, RecordAdmin):
    list_display = ("country", "position", "ally_list", independent_sources)
    list_filter = (AlertFilter, "ally_list")
    list_select_related = ("country", "ally_list")
    search_fields = ("country__folded", "ally_list__folded")
    autocomplete_fields = ("country", "ally_list")
    inlines = (KeyEventInline, CitationInline)
    fields = ("ally_list", ("country", "position"), "prose_en", "prose_ind")


@admin.register(KeyEvent)
class KeyEventAdmin(RecordAdmin):
    list_display = ("event", "position", "entry")
    list_select_related = ("event", "entry__ally_list", "entry__country")
    search_fields = ("event__folded", "entry__country__folded", "entry__ally_list__folded")
    autocomplete_fields = ("entry", "event")
    fields = ("entry", "event", "position")


@admin.register(SeeAlso)
class SeeAlsoAdmin(RecordAdmin):
    list_display = ("ally_list", "position", "source")
    list_select_related = ("ally_list", "source")
    search_fields = ("ally_list__folded", "source__folded")
    autocomplete_fields = ("ally_list", "source")
    fields = ("ally_list", "source", "position")
