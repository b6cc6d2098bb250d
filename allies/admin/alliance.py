"""Alliances and memberships in the admin."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from allies.admin.alerts_filter import AlertFilter
from allies.admin.alias import AliasInline, NamedRecordMixin
from allies.admin.base import RecordAdmin
from allies.admin.citation import CitationInline, MembershipCitationInline
from allies.admin.inlines import TabularRecordInline
from allies.admin.status_buttons import (
    EvidenceMixin,
    PublishableAdmin,
    independent_sources,
    title,
)
from allies.models import OBLIGATIONS, Alliance, Membership


class MembershipInline(TabularRecordInline):
    model = Membership
    fields = ("country", "joined", "left", "role", *OBLIGATIONS)
    autocomplete_fields = ("country",)
    show_change_link = True
    verbose_name_plural = _("memberships (open one for its citations)")


@admin.register(Alliance)
class AllianceAdmin(NamedRecordMixin, EvidenceMixin, PublishableAdmin):
    list_display = (title, "kind", "signed", "in_force", "ended", "status", independent_sources)
    list_filter = (AlertFilter, "status", "kind")
    inlines = (AliasInline, MembershipInline, CitationInline)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "status",
                    "kind",
                    "title_en",
                    "title_ind",
                    ("slug", "identifier", "wikidata"),
                )
            },
        ),
        (_("Dates"), {"fields": (("signed", "in_force", "ended"),)}),
        (_("Summary"), {"fields": ("summary_en", "summary_ind")}),
    )


@admin.register(Membership)
class MembershipAdmin(RecordAdmin):
    list_display = ("country", "alliance", "joined", "left", "role")
    list_filter = ("role",)
    list_select_related = ("country", "alliance")
    search_fields = (
        *("country__folded", "country__aliases__folded", "country__alpha3"),
        *("alliance__folded", "alliance__aliases__folded"),
    )
    autocomplete_fields = ("country", "alliance")
    fields = ("alliance", "country", ("joined", "left"), "role", OBLIGATIONS)
    inlines = (MembershipCitationInline,)
