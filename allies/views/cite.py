"""“Cite this”: each page's reference as a file."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views import View

from allies.citable import CITABLE, FORMS, cited
from allies.views.edition import EditionView
from allies.views.record import Renameable, find, find_pair


def _answer(request: HttpRequest, name: str, record: Any, form: str) -> HttpResponse:
    work = cited(request, name, record).work
    _label, content_type, write = FORMS[form]
    headers = {"Content-Disposition": f'attachment; filename="{work.key}.{form}"'}
    return HttpResponse(write(work), content_type=content_type, headers=headers)


class CiteFile(Renameable, View):
    """A record's page as a file for a reference manager."""

    citable = ""

    def get(self, request: HttpRequest, form: str, **kwargs: str) -> HttpResponse:
        return _answer(request, self.citable, self._found(**kwargs), form)

    def _found(self, **kwargs: str) -> Any:
        if self.citable == "pair":
            return find_pair(**kwargs)
        ((field, value),) = kwargs.items()
        return find(CITABLE[self.citable].model.objects.published(), value, field)


class CiteEdition(EditionView):
    """An edition as a file for a reference manager."""

    def get(self, request: HttpRequest, form: str, **kwargs: str) -> HttpResponse:
        return _answer(request, "edition", self.edition, form)
