"""Export of a record type from its list, and a link to import it; both need a permission."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy

from allies.actions.permissions import has_permission
from allies.exports.record_type import FORMATS, export_file_name, export_records
from allies.file_formats import SheetTooLarge
from allies.imports.resources import RESOURCE_BY_MODEL_NAME

#: File formats for export from the list, with their labels.
EXPORT_FORMATS = {"csv": "CSV", "xlsx": "XLSX", "zip": gettext_lazy("data package (ZIP)")}


class ImportExportMixin(admin.ModelAdmin):
    """Import and export of a record type, for users with the permission."""

    change_list_template = "admin/allies/change_list.html"

    @property
    def noun(self) -> str:
        return RESOURCE_BY_MODEL_NAME[str(self.model._meta.model_name)]

    def get_urls(self) -> list[URLPattern]:
        name = self.model._meta.model_name
        wrap = self.admin_site.admin_view
        return [
            path("import/", wrap(self.import_view), name=f"allies_{name}_import"),
            path("export/", wrap(self.export_view), name=f"allies_{name}_export"),
            *super().get_urls(),
        ]

    def _has_permission(self, request: HttpRequest, what: str) -> bool:
        return has_permission(user=request.user, action=what, record=self.model)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        rights = {
            "may_import": self._has_permission(request, "import"),
            "may_export": self._has_permission(request, "export"),
            "exported": EXPORT_FORMATS,
        }
        return super().changelist_view(request, {**rights, **(extra_context or {})})

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """Send all records of this type, as CSV or in the format in ``?form=``."""
        if not self._has_permission(request, "export"):
            raise PermissionDenied
        form = request.GET.get("form", "csv")
        if form not in EXPORT_FORMATS:
            raise Http404
        try:
            blocks = export_records(self.noun, form)
        except SheetTooLarge as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(
                reverse(f"admin:allies_{self.model._meta.model_name}_changelist")
            )
        return StreamingHttpResponse(
            blocks,
            content_type=FORMATS[form],
            headers={
                "Content-Disposition": f'attachment; filename="{export_file_name(self.noun, form)}"'
            },
        )

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Redirect to the upload page for files of this record type."""
        if not self._has_permission(request, "import"):
            raise PermissionDenied
        return HttpResponseRedirect(f"{reverse('admin:allies_changeset_add')}?noun={self.noun}")
