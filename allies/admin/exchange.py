"""CSV in the admin: a file is uploaded, looked at row by row, and applied in one piece."""

from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from allies.actions.rights import may
from allies.exchange.export import export_csv
from allies.exchange.reader import UnreadableFile, read_csv, sha256_of
from allies.exchange.resources import NOUNS
from allies.exchange.runner import Refused, run_import


NOUN_OF = {resource._meta.model: noun for noun, resource in NOUNS.items()}


class UploadForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("CSV file"),
        help_text=gettext_lazy("UTF-8, columns parted by commas, the first row naming them."),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > settings.IMPORT_MAX_BYTES:
            raise ValidationError(
                _("The file has %(size)d MB; %(limit)d are allowed.")
                % {"size": file.size >> 20, "limit": settings.IMPORT_MAX_BYTES >> 20}
            )
        return file


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
            path("import/<int:upload_id>/", wrap(self.preview_view), name=f"allies_{name}_preview"),
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
        if not self._may(request, "import"):
            raise PermissionDenied
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            file = form.cleaned_data["file"]
            assert request.user.pk is not None  # the right to import is nobody's
            upload = Upload.objects.create(
                noun=self.noun,
                file=file,
                name=Path(file.name).name[:200],
                uploaded_by_id=request.user.pk,
            )
            upload.sha256 = sha256_of(Path(upload.file.path))
            upload.save(update_fields=["sha256"])
            return HttpResponseRedirect(self._address("preview", upload.pk))
        return self._page(
            request, "import", form=form, columns=NOUNS[self.noun]().columns, title=_("Import CSV")
        )

    def preview_view(self, request: HttpRequest, upload_id: int) -> HttpResponse:
        """Say what the uploaded file would change; apply it when asked by POST."""
        if not self._may(request, "import"):
            raise PermissionDenied
        upload = Upload.objects.filter(
            pk=upload_id, noun=self.noun, uploaded_by_id=request.user.pk
        ).first()
        if upload is None:
            raise Http404
        if request.method == "POST" and "forget" in request.POST:
            upload.discard()
            return HttpResponseRedirect(self._address("changelist"))
        commit = request.method == "POST"
        reports, unreadable = [], ""
        try:
            reports = run_import(
                [(self.noun, read_csv(Path(upload.file.path), NOUNS[self.noun]().columns))],
                commit=commit,
                user=request.user,
                reason=_("Imported from %(name)s (SHA-256 %(hash)s)")
                % {"name": upload.name, "hash": upload.sha256},
            )
        except UnreadableFile as error:
            unreadable = str(error)
        except Refused as refused:
            reports = refused.reports
        report = reports[0] if reports else None
        if commit and report and report.ok:
            upload.discard()
            messages.success(request, _("Applied. %(summary)s") % {"summary": report.summary()})
            if report.unsupported:
                messages.warning(request, report.unsupported_in_words())
            return HttpResponseRedirect(self._address("changelist"))
        return self._page(
            request,
            "import_preview",
            upload=upload,
            report=report,
            unreadable=unreadable,
            title=_("Import %(name)s") % {"name": upload.name},
        )

    def _address(self, view: str, *args: Any) -> str:
        return reverse(f"admin:allies_{self.model._meta.model_name}_{view}", args=args)

    def _page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        return TemplateResponse(
            request,
            f"admin/allies/{template}.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.model._meta,
                "noun": self.noun,
                **context,
            },
        )
