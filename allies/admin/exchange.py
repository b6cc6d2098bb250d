"""Export of a noun from its list, and the way to import it, for those with the right to."""

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

from allies.actions.rights import may
from allies.exchange.export import FORMS, export_blocks, file_name
from allies.exchange.resources import NOUN_CALLED
from allies.tabular import TooMuch

#: The forms a noun goes out in from its list, and how they are called there.
EXPORTED = {"csv": "CSV", "xlsx": "XLSX", "zip": gettext_lazy("data package (ZIP)")}


class ExchangeMixin(admin.ModelAdmin):
    """Import and export of a noun, for those with the right to."""

    change_list_template = "admin/allies/change_list.html"

    @property
    def noun(self) -> str:
        return NOUN_CALLED[str(self.model._meta.model_name)]

    def get_urls(self) -> list[URLPattern]:
        name = self.model._meta.model_name
        wrap = self.admin_site.admin_view
        return [
            path("import/", wrap(self.import_view), name=f"allies_{name}_import"),
            path("export/", wrap(self.export_view), name=f"allies_{name}_export"),
            *super().get_urls(),
        ]

    def _may(self, request: HttpRequest, what: str) -> bool:
        return may(user=request.user, action=what, record=self.model)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        rights = {
            "may_import": self._may(request, "import"),
            "may_export": self._may(request, "export"),
            "exported": EXPORTED,
        }
        return super().changelist_view(request, {**rights, **(extra_context or {})})

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with all records of the noun, as CSV or as ``?form=`` says."""
        if not self._may(request, "export"):
            raise PermissionDenied
        form = request.GET.get("form", "csv")
        if form not in EXPORTED:
            raise Http404
        try:
            blocks = export_blocks(self.noun, form)
        except TooMuch as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(
                reverse(f"admin:allies_{self.model._meta.model_name}_changelist")
            )
        return StreamingHttpResponse(
            blocks,
            content_type=FORMS[form],
            headers={"Content-Disposition": f'attachment; filename="{file_name(self.noun, form)}"'},
        )

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Lead to where a file of this noun is uploaded."""
        if not self._may(request, "import"):
            raise PermissionDenied
        return HttpResponseRedirect(f"{reverse('admin:allies_changeset_add')}?noun={self.noun}")
