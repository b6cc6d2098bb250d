"""A filter that narrows admin lists to records that need attention."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from allies.editorial.alerts import ALERTS


class AlertFilter(admin.SimpleListFilter):
    """Show only the records for which an alert applies."""

    title = _("task")
    parameter_name = "attention"

    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Model]"
    ) -> list[tuple[str, Any]]:
        model = model_admin.model
        return [(c.key, c.label) for c in ALERTS if model in c.models]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        for concern in ALERTS:
            if concern.key == self.value() and queryset.model in concern.models:
                held = concern.queryset_for(queryset.model, request.user)
                return queryset.filter(pk__in=held.order_by().values("pk"))
        return queryset
