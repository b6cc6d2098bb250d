"""Downloads of filtered views: CSV, JSON, XLSX and data package."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict, StreamingHttpResponse
from django.utils.choices import flatten_choices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from allies.citations.redaction import CitationRedactor
from allies.datapackage import Table, package_blocks
from allies.datapackage.metadata import (
    describe_package,
    last_public_change_time,
    localized_callable,
)
from allies.file_formats import CONTENT_TYPES, check_length, csv_lines, xlsx_blocks
from allies.filters import PublicFilterSet
from allies.views.download_columns import DownloadColumn, to_cell

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: Records read at a time, with their related records.
CHUNK_ROWS = 200

#: Formats of downloads, and the labels of their links.
DATA_FORMATS: "dict[str, StrOrPromise]" = {
    "csv": "CSV",
    "json": "JSON",
    "xlsx": "XLSX",
    "zip": gettext_lazy("data package (ZIP)"),
}
#: Formats of a view that has a page, and therefore also a feed.
FORMATS: "dict[str, StrOrPromise]" = {**DATA_FORMATS, "atom": gettext_lazy("Follow (RSS)")}


def download_links(
    address: str, query: str = "", forms: "Mapping[str, StrOrPromise]" = FORMATS
) -> "list[tuple[StrOrPromise, str]]":
    """Return (label, URL) of the downloads of the list at ``address``."""
    return [(label, format_url(address, form, query)) for form, label in forms.items()]


def format_url(address: str, form: str, query: str = "") -> str:
    """Return the URL of a list in another format, with the same filter."""
    return f"{address.rstrip('/')}.{form}" + (f"?{query}" if query else "")


def filter_query(filterset: PublicFilterSet) -> str:
    """Return the filters in use as a query string."""
    query = QueryDict(mutable=True)
    query.update(filterset.applied_values)
    return query.urlencode()


def plain_error(lines: list[str]) -> HttpResponse:
    text = "".join(f"{line}\n" for line in lines)
    return HttpResponse(text, status=400, content_type="text/plain; charset=utf-8")


class DownloadMixin:
    """The downloads of a filtered view. A subclass sets ``columns`` and implements ``queryset``."""

    request: HttpRequest
    columns: tuple[DownloadColumn, ...]

    def queryset(self) -> QuerySet[Model]:
        """Return all public records of the view, annotated and sorted."""
        raise NotImplementedError

    def title(self) -> Any:
        """Return the title of the list as a lazy string."""
        raise NotImplementedError

    def rows(self, queryset: QuerySet[Model]) -> Iterable[Any]:
        """Return the rows that the columns read, CHUNK_ROWS at a time."""
        return self.prefetch_for_download(queryset).iterator(chunk_size=CHUNK_ROWS)

    def prefetch_for_download(self, queryset: QuerySet[Model]) -> QuerySet[Model]:
        """Prefetch relations that the columns need and the page does not."""
        return queryset

    def total_count(self) -> int:
        """Return the number of rows without a filter."""
        return int(self.queryset().count())

    @property
    def file_name(self) -> str:
        return self.request.path.strip("/").split("/", 1)[1].rpartition(".")[0].replace("/", "-")

    def error_response(
        self, fmt: str, errors: dict[str, list[str]], filterset: PublicFilterSet
    ) -> HttpResponse:
        accepted = list(filterset.filters)
        if fmt == "json":
            return JsonResponse({"errors": errors, "accepted": accepted}, status=400)
        lines = [f"{name}: {' '.join(texts)}" for name, texts in errors.items()]
        return plain_error([*lines, _("Allowed: %(names)s") % {"names": ", ".join(accepted)}])

    def csv(self, filterset: PublicFilterSet) -> StreamingHttpResponse:
        lines = csv_lines([column.name for column in self.columns], self.cells(filterset))
        return self._file((text.encode() for text in lines), "csv")

    def xlsx(self, filterset: PublicFilterSet) -> StreamingHttpResponse:
        """Return the rows as XLSX; raise SheetTooLarge if an Excel sheet cannot hold them."""
        check_length(filterset.qs.count())
        header = [column.name for column in self.columns]
        blocks = xlsx_blocks(header, self.cells(filterset), sheet=self.file_name)
        return self._file(blocks, "xlsx")

    def zip(self, filterset: PublicFilterSet) -> StreamingHttpResponse:
        table = Table(
            name=self.file_name,
            title=self.title(),
            fields=[column.field for column in self.columns],
            rows=self.cells(filterset),
            whole=self.total_count(),
        )
        page = self.page_address(filterset, "zip")
        described = describe_package(
            self.title(),
            changed=last_public_change_time(),
            name=self.file_name,
            url=self.request.build_absolute_uri(page),
            filters=_filter_labels(filterset),
        )
        return self._file(package_blocks(described, [table]), "zip")

    def page_address(self, filterset: PublicFilterSet, form: str) -> str:
        """Return the URL of the page with the same filter, if the request is for ``form``."""
        page, query = self.request.path.removesuffix(f".{form}") + "/", filter_query(filterset)
        return f"{page}?{query}" if query else page

    def cells(self, filterset: PublicFilterSet) -> Iterator[list[str | int]]:
        """Yield the rows as strings and integers, in column order."""
        return ([to_cell(v) for v in values] for values in self.values(self.rows(filterset.qs)))

    def values(self, rows: Iterable[Any]) -> Iterator[list[Any]]:
        """Yield the values of each row, in column order; prose cites public sources only."""
        text = CitationRedactor()
        for row in rows:
            found = ((column, column.value(row)) for column in self.columns)
            yield [text(value) if column.prose else value for column, value in found]

    def _file(self, blocks: Iterable[bytes], form: str) -> StreamingHttpResponse:
        return StreamingHttpResponse(
            blocks,
            content_type=CONTENT_TYPES[form],
            headers={"Content-Disposition": f'attachment; filename="{self.file_name}.{form}"'},
        )

    def json(self, filterset: PublicFilterSet) -> StreamingHttpResponse:
        rows = self.rows(filterset.qs)
        return StreamingHttpResponse(
            (text.encode() for text in self._json(rows, filterset)),
            content_type="application/json; charset=utf-8",
        )

    def _json(self, rows: Iterable[object], filterset: PublicFilterSet) -> Iterator[str]:
        def encode(value: object) -> str:
            return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)

        url = self.request.build_absolute_uri()
        yield f'{{"url": {encode(url)}, "filters": {encode(filterset.applied_values)}, "rows": ['
        count = 0
        names = [column.name for column in self.columns]
        for values in self.values(rows):
            record = dict(zip(names, values, strict=True))
            yield (",\n" if count else "\n") + encode(record)
            count += 1
        yield f'\n], "count": {count}}}\n'


def _filter_labels(filterset: PublicFilterSet) -> "list[tuple[StrOrPromise | None, object]]":
    """Return (label, value) of the filters in use, as readers see them."""
    form = filterset.form
    return [
        (form.fields[name].label, _value_in_words(form.fields[name], form.cleaned_data[name]))
        for name in filterset.applied_values
    ]


@localized_callable
def _value_in_words(field: forms.Field, value: object) -> str:
    # Choices may be lazy and depend on the language, so they can only be iterated.
    named = dict(flatten_choices(iter(getattr(field, "choices", ()))))
    return str(named.get(value, value))
