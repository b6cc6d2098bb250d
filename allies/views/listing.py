"""A filtered view of one noun: the same rows as page, CSV and JSON."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from django.core.paginator import Page, Paginator
from django.core.serializers.json import DjangoJSONEncoder
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    QueryDict,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views import View

from allies.filters import ReadersFilterSet
from allies.tabular import csv_lines

#: Rows a page shows, and records read at a time, with what belongs to them, for a download.
PER_PAGE, CHUNK = 50, 200


class Column(NamedTuple):
    """A column of the downloads: its name, and its value (text, number, flag, list) for a row."""

    name: str
    value: Callable[[Any], Any]


def asked_page(request: HttpRequest, paginator: Paginator) -> Page:
    """Return the page the address asks for, the first by default; raise Http404 for none."""
    number = request.GET.get("page", "1")
    if not (number.isdecimal() and len(number) < 10 and 1 <= int(number) <= paginator.num_pages):
        raise Http404(_("There is no such page."))
    return paginator.page(int(number))


class Listing(View):
    """The rows of a filtered view. A subclass says which filter, which columns, which template."""

    filterset_class: type[ReadersFilterSet]
    template_name: str
    columns: tuple[Column, ...]
    per_page = PER_PAGE

    def get(self, request: HttpRequest, fmt: str = "html", **kwargs: Any) -> HttpResponseBase:
        """Answer with the page, or the rows as ``fmt``: ``csv`` or ``json``.

        An impossible value is a 400 in every form; a parameter that is no filter is one in CSV
        and JSON, where nobody would see a notice.
        """
        self.prepare(**kwargs)
        filterset = self.filterset()
        valid = filterset.is_valid()
        if fmt == "html":
            return self.page(filterset, status=200 if valid else 400)
        errors = {name: list(texts) for name, texts in filterset.errors.items()}
        errors |= {name: [_("This is no filter here.")] for name in filterset.unknown}
        if errors:
            return self.refuse(fmt, errors, filterset)
        rows = self.rows(filterset.qs)
        if fmt == "json":
            return self.json(rows, filterset)
        return self.csv(rows)

    # What a subclass has.

    def prepare(self, **kwargs: Any) -> None:
        """Find the record the address names, if it names one; raise Http404."""

    def queryset(self) -> Any:
        """Return all public records of the view, annotated and in order."""
        raise NotImplementedError

    def filterset(self) -> ReadersFilterSet:
        return self.filterset_class(self.request.GET, queryset=self.queryset())

    def rows(self, queryset: Any) -> Iterable[Any]:
        """Return what a download's columns read, a chunk at a time."""
        return self.for_download(queryset).iterator(chunk_size=CHUNK)

    def for_download(self, queryset: Any) -> Any:
        """Fetch what the columns need and the page does not show."""
        return queryset

    def context(self) -> dict[str, Any]:
        """Return what the page shows besides its rows."""
        return {}

    @property
    def file_name(self) -> str:
        return self.request.path.strip("/").split("/", 1)[1].rpartition(".")[0].replace("/", "-")

    # The forms.

    def page(self, filterset: ReadersFilterSet, status: int) -> HttpResponse:
        queryset = filterset.qs if status == 200 else self.queryset().none()
        paginator = Paginator(queryset, self.per_page)
        page = asked_page(self.request, paginator)
        return render(
            self.request,
            self.template_name,
            {
                "filterset": filterset,
                "valid": status == 200,
                "page": page,
                "rows": list(self.page_rows(page.object_list)),
                "unknown": [name for name in filterset.unknown if name != "page"],
                "downloads": self.downloads(filterset),
                **self.context(),
            },
            status=status,
        )

    def page_rows(self, queryset: Any) -> Iterable[Any]:
        return queryset

    def downloads(self, filterset: ReadersFilterSet) -> list[tuple[str, str]]:
        """Return (form, address) of this very view's downloads."""
        query = QueryDict(mutable=True)
        query.update(filterset.applied)
        asked = f"?{query.urlencode()}" if query else ""
        return [
            (form, f"{self.request.path.rstrip('/')}.{form}{asked}") for form in ("csv", "json")
        ]

    def refuse(
        self, fmt: str, errors: dict[str, list[str]], filterset: ReadersFilterSet
    ) -> HttpResponse:
        accepted = list(filterset.filters)
        if fmt == "json":
            return JsonResponse({"errors": errors, "accepted": accepted}, status=400)
        lines = [f"{name}: {' '.join(texts)}" for name, texts in errors.items()]
        lines.append(_("Accepted are: %(names)s") % {"names": ", ".join(accepted)})
        return HttpResponse(
            "\n".join(lines) + "\n", status=400, content_type="text/plain; charset=utf-8"
        )

    def csv(self, rows: Iterable[Any]) -> StreamingHttpResponse:
        lines = csv_lines(
            [column.name for column in self.columns],
            ([_cell(column.value(row)) for column in self.columns] for row in rows),
        )
        return StreamingHttpResponse(
            (line.encode() for line in lines),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{self.file_name}.csv"'},
        )

    def json(self, rows: Iterable[Any], filterset: ReadersFilterSet) -> StreamingHttpResponse:
        return StreamingHttpResponse(
            (text.encode() for text in self._json(rows, filterset)),
            content_type="application/json; charset=utf-8",
        )

    def _json(self, rows: Iterable[Any], filterset: ReadersFilterSet) -> Iterator[str]:
        def encode(value: Any) -> str:
            return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)

        url = self.request.build_absolute_uri()
        yield f'{{"url": {encode(url)}, "filters": {encode(filterset.applied)}, "rows": ['
        count = 0
        for row in rows:
            record = {column.name: column.value(row) for column in self.columns}
            yield (",\n" if count else "\n") + encode(record)
            count += 1
        yield f'\n], "count": {count}}}\n'


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(str(item) for item in value)
    return str(value)
