"""Citations in the admin: as inlines of the cited record, and as a list."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Field
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from allies.admin.base import RecordAdmin
from allies.admin.inlines import InlineMixin
from allies.models import TARGETS, Citation


class CitationInline(InlineMixin, admin.StackedInline):
    model = Citation
    fields: ClassVar[Any] = (
        ("source", "stance"),
        ("locator", "verified_on"),
        "quote",
        "note_en",
        "note_ind",
    )
    autocomplete_fields = ("source",)

    def formfield_for_dbfield(
        self, db_field: "Field[object, object]", request: HttpRequest, **kwargs: object
    ) -> Any:
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name in ("quote", "note_en", "note_ind"):
            field.widget.attrs.update(rows=2)
        return field


class MembershipCitationInline(CitationInline):
    """Citations of a membership, with the dates that each source gives for it."""

    fields: ClassVar[Any] = (
        ("source", "stance"),
        ("joined", "left"),
        ("locator", "verified_on"),
        "quote",
        "note_en",
        "note_ind",
    )


@admin.register(Citation)
class CitationAdmin(RecordAdmin):
    list_display = ("source", "stance", "target", "locator", "verified_on")
    list_filter = ("stance",)
    search_fields = ("source__key", "source__folded", "locator", "quote")
    autocomplete_fields = ("source", *TARGETS)
    list_select_related = (
        "source",
        "alliance",
        "membership__alliance",
        "membership__country",
        "event",
        "entry__ally_list",
        "entry__country",
    )
    fields = (
        "source",
        "stance",
        *TARGETS,
        ("joined", "left"),
        "locator",
        "quote",
        "note_en",
        "note_ind",
        "verified_on",
    )

    @admin.display(description=_("about"))
    def target(self, citation: Citation) -> str:
        return str(citation.target)
