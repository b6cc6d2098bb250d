"""A record's history in the admin: every version, any two compared, going back to one.

Written here because the history library's own page saves a version as it was, its status
included, and so lets an editor publish who may not.
"""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from allies.actions.history import revert, revertible_fields


class HistoryMixin(admin.ModelAdmin):
    """The admin's history page, and the way back from it."""

    def get_urls(self) -> list[Any]:
        name = self.model._meta.model_name
        return [
            path(
                "<path:object_id>/history/<int:version>/revert/",
                self.admin_site.admin_view(self.revert_view),
                name=f"allies_{name}_revert",
            ),
            *super().get_urls(),
        ]

    def viewable(self, request: HttpRequest, object_id: str) -> Any:
        """Return a record the user may look at; raise Http404 or PermissionDenied."""
        record = self.get_object(request, object_id)
        if record is None:
            raise Http404
        if not self.has_view_permission(request, record):
            raise PermissionDenied
        return record

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        record = self.viewable(request, object_id)
        versions = record.history.select_related("history_user", "changeset").order_by(
            "-history_date", "-history_id"
        )
        page = Paginator(versions, 50).get_page(request.GET.get("p"))
        shown = list(page.object_list)
        compared = self._compared(request, versions)
        context = {
            **self.admin_site.each_context(request),
            "title": _("History of “%(record)s”") % {"record": record},
            "opts": self.model._meta,
            "module_name": capfirst(str(self.model._meta.verbose_name_plural)),
            "object": record,
            "original": record,
            "page": page,
            "versions": [
                (version, self._changes(shown[n + 1] if n + 1 < len(shown) else None, version))
                for n, version in enumerate(shown)
            ],
            "compared": compared,
            "may_revert": self.has_change_permission(request, record),
        }
        return TemplateResponse(request, "admin/allies/history.html", context)

    def _compared(self, request: HttpRequest, versions: Any) -> Any:
        chosen = [request.GET.get("from", ""), request.GET.get("to", "")]
        if not all(text.isdecimal() for text in chosen):
            return None
        found = {str(v.history_id): v for v in versions.filter(history_id__in=chosen)}
        if not all(text in found for text in chosen):
            return None
        older, newer = sorted((found[t] for t in chosen), key=lambda v: (v.history_date, v.pk))
        return {"older": older, "newer": newer, "changes": self._changes(older, newer)}

    def _changes(self, older: Any, newer: Any) -> list[dict[str, Any]]:
        """Return what differs, field by field, as the editor knows the fields."""
        if older is None:
            return []
        fields = [*revertible_fields(newer.instance), *self._status_field()]
        return [
            {
                "field": field.verbose_name,
                "old": _shown(older, field),
                "new": _shown(newer, field),
            }
            for field in fields
            if getattr(older, field.attname) != getattr(newer, field.attname)
        ]

    def _status_field(self) -> list[Any]:
        return [field for field in self.model._meta.concrete_fields if field.name == "status"]

    def revert_view(self, request: HttpRequest, object_id: str, version: int) -> HttpResponse:
        if request.method != "POST":
            raise PermissionDenied
        record = self.viewable(request, object_id)
        found = record.history.filter(history_id=version).first()
        if found is None:
            raise Http404
        try:
            revert(record=record, version=found, user=request.user)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, _("The record is again what it was in that version."))
        name = f"admin:allies_{self.model._meta.model_name}_history"
        return HttpResponseRedirect(reverse(name, args=[record.pk]))


def _shown(version: Any, field: Any) -> str:
    value = getattr(version, field.attname)
    if value in (None, ""):
        return "–"
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    if field.is_relation:
        related = field.related_model._default_manager.filter(pk=value).first()
        return str(related or value)
    return str(value)
