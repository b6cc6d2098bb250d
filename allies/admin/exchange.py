"""Export of a noun from its list, and the way to import it, for those with the right to."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import path, reverse

from allies.actions.rights import may
from allies.admin.changeset import NOUN_OF
from allies.exchange.export import export_csv


class ExchangeMixin(admin.ModelAdmin):
    """Import and export of a noun, for those with the right to."""

    change_list_template = "admin/allies/change_list.html"

    @property
    def noun(self) -> str:
        return NOUN_OF[self.model]

    def get_urls(self) -> list[Any]:
        name = self.model._meta.model_name
        wrap = self.admin_site.admin_view
        return [
            path("import/", wrap(self.import_view), name=f"allies_{name}_import"),
            path("export/", wrap(self.export_view), name=f"allies_{name}_export"),
            *super().get_urls(),
        ]

    def _may(self, request: HttpRequest, what: str) -> bool:
        return may(user=request.user, action=what, record=self.model)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        rights = {
            "may_import": self._may(request, "import"),
            "may_export": self._may(request, "export"),
        }
        return super().changelist_view(request, {**rights, **(extra_context or {})})

    def export_view(self, request: HttpRequest) -> StreamingHttpResponse:
        if not self._may(request, "export"):
            raise PermissionDenied
        return StreamingHttpResponse(
            (line.encode() for line in export_csv(self.noun)),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{self.noun}.csv"'},
        )

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Lead to where a file of this noun is uploaded."""
        if not self._may(request, "import"):
            raise PermissionDenied
        return HttpResponseRedirect(f"{reverse('admin:allies_changeset_add')}?noun={self.noun}")
