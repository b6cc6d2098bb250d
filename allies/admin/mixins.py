"""Base classes for the admin: read-only records, and context for the page of a form."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse


class ReadOnlyAdminMixin(admin.ModelAdmin):
    """Records that are created elsewhere: they can be viewed, not added, changed or deleted."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class FormContextMixin(admin.ModelAdmin):
    """A form whose page several mixins add to; their templates extend the block ``beside``."""

    def extra_context(self, request: HttpRequest, record: Any) -> dict[str, object]:
        """Return extra context for the template of the form; ``record`` is None on the add page."""
        return {}

    def render_change_form(  # type: ignore[override]
        self, request: HttpRequest, context: Any, **kwargs: Any
    ) -> HttpResponse:
        context.update(self.extra_context(request, kwargs.get("obj")))
        return super().render_change_form(request, context, **kwargs)
