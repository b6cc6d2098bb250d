"""Events and participations in the admin."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from allies.admin.alerts_filter import AlertFilter
from allies.admin.base import RecordAdmin
from allies.admin.citation import CitationInline
from allies.admin.inlines import TabularRecordInline
from allies.admin.status_buttons import (
    EvidenceMixin,
    PublishableAdmin,
    independent_sources,
    title,
)
from allies.models import Event, Participation


class ParticipationInline(TabularRecordInline):
    model = Participation
    fields = ("country", "role")
    autocomplete_fields = ("country",)


@admin.register(Event)
class EventAdmin(EvidenceMixin, PublishableAdmin):
    list_display = (title, "date", "kind", "certainty", "status", independent_sources)
    list_filter = (AlertFilter, "status", "kind", "certainty")
    search_fields = ("folded",)
    autocomplete_fields = ("alliance",)
    inlines = (ParticipationInline, CitationInline)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "status",
                    ("kind", "certainty"),
                    "title_en",
                    "title_ind",
                    ("slug", "identifier"),
                )
            },
        ),
        (_("When and where"), {"fields": ("date", ("place_en", "place_ind"))}),
        (
            _("Alliance and attribution"),
            {"fields": ("alliance", "attributed_to_en", "attributed_to_ind")},
        ),
        (_("Summary"), {"fields": ("summary_en", "summary_ind")}),
        (
            _("UN vote"),
            {
                "classes": ("collapse",),
                "fields": (("session", "resolution", "scope"), ("issues", "is_important")),
            },
        ),
    )


@admin.register(Participation)
class ParticipationAdmin(RecordAdmin):
    list_display = ("country", "role", "event")
    list_filter = ("role",)
    list_select_related = ("country", "event")
    search_fields = ("country__folded", "event__folded")
    autocomplete_fields = ("country", "event")
    fields = ("event", "country", "role")
