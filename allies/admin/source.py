"""Sources in the admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from allies.admin.publication import PublishableAdmin
from allies.models import Source


@admin.register(Source)
class SourceAdmin(PublishableAdmin):
    list_display = ("key", "publisher", "title", "date_published", "derived_from", "status")
    list_filter = ("status", "kind", "language")
    list_select_related = ("derived_from",)
    search_fields = ("folded",)
    autocomplete_fields = ("derived_from",)
    fieldsets = (
        (None, {"fields": ("status", ("key", "kind"), "publisher", "title", "author")}),
        (_("Where and when"), {"fields": ("url", "archive_url", ("date_published", "language"))}),
        (_("Derivation"), {"fields": ("derived_from",)}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A key is given once: addresses, files and texts hold on to it."""
        return ("status", "key") if obj else ("status",)
