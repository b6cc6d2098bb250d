"""“Cite this”: the reference of a page as a file."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views import View

from allies.citations.targets import CITATION_TARGETS, FILE_FORMATS, get_page_citation
from allies.views.detail import OldSlugRedirectMixin, find_pair, find_record
from allies.views.edition import EditionView


def _answer(request: HttpRequest, name: str, record: Any, form: str) -> HttpResponse:
    work = get_page_citation(request, name, record).work
    _label, content_type, write = FILE_FORMATS[form]
    headers = {"Content-Disposition": f'attachment; filename="{work.key}.{form}"'}
    return HttpResponse(write(work), content_type=content_type, headers=headers)


class CitationFileView(OldSlugRedirectMixin, View):
    """The reference of a record's page, as a file for a reference manager."""

    citable = ""

    def get(self, request: HttpRequest, form: str, **kwargs: str) -> HttpResponse:
        return _answer(request, self.citable, self._found(**kwargs), form)

    def _found(self, **kwargs: str) -> Any:
        if self.citable == "pair":
            return find_pair(**kwargs)
        ((field, value),) = kwargs.items()
        return find_record(CITATION_TARGETS[self.citable].model.objects.published(), value, field)


class EditionCitationFileView(EditionView):
    """The reference of an edition, as a file for a reference manager."""

    def get(self, request: HttpRequest, form: str, **kwargs: str) -> HttpResponse:
        return _answer(request, "edition", self.edition, form)
