"""A record's form, and what stands beside its fields."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse


class ReadOnlyAdminMixin(admin.ModelAdmin):
    """What came to be elsewhere: looked at here, never added, changed or deleted."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class FormContextMixin(admin.ModelAdmin):
    """A form to whose page every mixin adds its own: each extends ``beside``."""

    def extra_context(self, request: HttpRequest, record: Any) -> dict[str, object]:
        """Return what the form's template is told; ``record`` is None while one is added."""
        return {}

    def render_change_form(  # type: ignore[override]
        self, request: HttpRequest, context: Any, **kwargs: Any
    ) -> HttpResponse:
        context.update(self.extra_context(request, kwargs.get("obj")))
        return super().render_change_form(request, context, **kwargs)
