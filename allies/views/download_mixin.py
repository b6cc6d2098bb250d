"""Downloads of filtered views: CSV, JSON, XLSX and data package."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from django import forms
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict, StreamingHttpResponse
from django.urls import reverse
from django.utils.choices import flatten_choices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from allies.citations.redaction import CitationRedactor
from allies.datapackage import DataSource, Table, package_blocks
from allies.datapackage.describe import licence_as_data, licence_scope
from allies.datapackage.metadata import (
    describe_package,
    describe_source,
    last_public_change_time,
    localized_callable,
)
from allies.evidence.data_sets import (
    MAX_FILTERED_ROWS,
    cited_data_sets,
    is_longer_than,
    may_withhold_rows,
)
from allies.file_formats import CONTENT_TYPES, check_length, csv_lines, xlsx_blocks
from allies.filters import PublicFilterSet
from allies.page_cache.memo import while_unchanged
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


class PassedOnRows(NamedTuple):
    """The rows of a download, and how many are left out because they may not be passed on."""

    queryset: Any
    left_out: int = 0


class DownloadMixin:
    """The downloads of a filtered view. A subclass sets ``columns`` and implements ``queryset``."""

    request: HttpRequest
    kwargs: dict[str, Any]
    columns: tuple[DownloadColumn, ...]
    #: Whether downloads of the whole table leave out rows that may not be passed on.
    is_withholding = True

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

    def cited_rows(self, filterset: PublicFilterSet) -> Any:
        """Return the rows whose sources a download names."""
        return filterset.qs

    def passed_on(self, filterset: PublicFilterSet) -> PassedOnRows:
        """Return the rows of a download of this view.

        A view about one record has all its rows, and so has a filtered one of up to
        MAX_FILTERED_ROWS. Costs up to three queries, whose results are cached until the data
        change.
        """
        rows = filterset.qs
        is_of_record = bool(self.kwargs.keys() - {"fmt"})
        if not self.is_withholding or is_of_record or not may_withhold_rows(rows):
            return PassedOnRows(rows)
        asked = filterset.applied_values

        def count() -> int:
            if asked and not is_longer_than(rows, MAX_FILTERED_ROWS):
                return 0
            return int(rows.redistributable(False).order_by().count())

        key = ("left out", type(self).__name__, *sorted(asked.items()))
        left_out = while_unchanged(key, count)
        return PassedOnRows(rows.redistributable() if left_out else rows, left_out)

    def data_sources(self, filterset: PublicFilterSet) -> list[DataSource]:
        """Return the data sets that the rows of a download rest on; at most one query."""
        return [describe_source(one) for one in cited_data_sets(self.cited_rows(filterset))]

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
        rows = self.passed_on(filterset)
        lines = csv_lines([column.name for column in self.columns], self.cells(rows.queryset))
        return self._file((text.encode() for text in lines), "csv", rows.left_out)

    def xlsx(self, filterset: PublicFilterSet) -> StreamingHttpResponse:
        """Return the rows as XLSX; raise SheetTooLarge if an Excel sheet cannot hold them."""
        rows = self.passed_on(filterset)
        check_length(rows.queryset.count())
        header = [column.name for column in self.columns]
        blocks = xlsx_blocks(header, self.cells(rows.queryset), sheet=self.file_name)
        return self._file(blocks, "xlsx", rows.left_out)

    def zip(self, filterset: PublicFilterSet) -> StreamingHttpResponse:
        rows = self.passed_on(filterset)
        table = Table(
            name=self.file_name,
            title=self.title(),
            fields=[column.field for column in self.columns],
            rows=self.cells(rows.queryset),
            whole=self.total_count(),
            sources=self.data_sources(filterset),
            left_out=rows.left_out,
        )
        page = self.page_address(filterset, "zip")
        described = describe_package(
            self.title(),
            changed=last_public_change_time(),
            name=self.file_name,
            url=self.request.build_absolute_uri(page),
            filters=_filter_labels(filterset),
        )
        return self._file(package_blocks(described, [table]), "zip", rows.left_out)

    def page_address(self, filterset: PublicFilterSet, form: str) -> str:
        """Return the URL of the page with the same filter, if the request is for ``form``."""
        page, query = self.request.path.removesuffix(f".{form}") + "/", filter_query(filterset)
        return f"{page}?{query}" if query else page

    def cells(self, queryset: QuerySet[Model]) -> Iterator[list[str | int]]:
        """Yield the rows as strings and integers, in column order."""
        return ([to_cell(v) for v in values] for values in self.values(self.rows(queryset)))

    def values(self, rows: Iterable[Any]) -> Iterator[list[Any]]:
        """Yield the values of each row, in column order; prose cites public sources only."""
        text = CitationRedactor()
        for row in rows:
            found = ((column, column.value(row)) for column in self.columns)
            yield [text(value) if column.prose else value for column, value in found]

    def _file(self, blocks: Iterable[bytes], form: str, left_out: int) -> StreamingHttpResponse:
        name = f'attachment; filename="{self.file_name}.{form}"'
        return StreamingHttpResponse(
            blocks,
            content_type=CONTENT_TYPES[form],
            headers={"Content-Disposition": name, **self._terms(left_out)},
        )

    def _terms(self, left_out: int) -> dict[str, str]:
        """Return headers: a link to the section on licences, and the number of rows left out."""
        licence = self.request.build_absolute_uri(f"{reverse('allies:methodology')}#licence")
        return {"Link": f'<{licence}>; rel="license"', "X-Rows-Left-Out": str(left_out)}

    def json(self, filterset: PublicFilterSet) -> StreamingHttpResponse:
        rows = self.passed_on(filterset)
        head = {
            "url": self.request.build_absolute_uri(),
            "filters": filterset.applied_values,
            "licence": licence_as_data(settings.DATA_LICENCE),
            "licence_scope": licence_scope(),
            "sources": [one.as_data() for one in self.data_sources(filterset)],
            "left_out": rows.left_out,
        }
        return StreamingHttpResponse(
            (text.encode() for text in self._json(self.rows(rows.queryset), head)),
            content_type="application/json; charset=utf-8",
            headers=self._terms(rows.left_out),
        )

    def _json(self, rows: Iterable[object], head: Mapping[str, object]) -> Iterator[str]:
        def encode(value: object) -> str:
            return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)

        yield f'{encode(head).removesuffix("}")}, "rows": ['
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
