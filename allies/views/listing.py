"""A filtered view of one noun: the same rows as page, CSV, JSON, XLSX and data package."""

import json
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
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
from django.utils.choices import flatten_choices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View

from allies.description import (
    about,
    column_of,
    in_each_language,
    last_public_change,
    schema_type,
)
from allies.filters import ReadersFilterSet
from allies.package import Field, Table, package_blocks
from allies.tabular import CONTENT_TYPES, TooMuch, check_length, csv_lines, xlsx_blocks

#: Rows a page shows, and records read at a time, with what belongs to them, for a download.
PER_PAGE, CHUNK = 50, 200


#: The forms a view is downloaded in, and what the links to them are called.
FORMS: dict[str, Any] = {
    "csv": "CSV",
    "json": "JSON",
    "xlsx": "XLSX",
    "zip": gettext_lazy("data package (ZIP)"),
}


class Column(NamedTuple):
    """A column of the downloads: its name, and its value (text, number, flag, list) for a row.

    ``title`` and ``note`` say what it is called and what it holds, ``type`` is a table schema's.
    """

    name: str
    value: Callable[[Any], Any]
    title: Any = ""
    note: Any = ""
    type: str = "string"
    choices: tuple[str, ...] = ()

    @property
    def field(self) -> Field:
        title = self.title or self.name
        return Field(self.name, title, self.note, self.type, self.choices)


def stored(model: Any, *names: str, of: str = "") -> list[Column]:
    """Return the columns that hold these fields of a model as they are, in the model's words.

    ``of`` is the attribute by which a row leads to the record, where it is not the row itself.
    """
    columns = []
    for name in names:
        field = model._meta.get_field(name)
        choices = tuple(str(value) for value, _label in field.flatchoices if value)
        described = column_of(field, type=schema_type(field), choices=choices)
        value = attrgetter(f"{of}.{name}" if of else name)
        columns.append(
            Column(name, value, described.title, described.description, described.type, choices)
        )
    return columns


#: Columns of what is supported and disputed, for rows that know both.
INDEPENDENT_SOURCES = Column(
    "independent_sources",
    lambda row: row.independent_sources,
    gettext_lazy("independent sources"),
    gettext_lazy("Sources in support; those that repeat one another count once."),
    "integer",
)
DISPUTED = Column(
    "disputed",
    lambda row: bool(row.disputes),
    gettext_lazy("disputed"),
    gettext_lazy("Whether a source says otherwise."),
    "boolean",
)
COUNTRY_CODE = gettext_lazy("The country’s alpha-3 code, else its COW code, else its slug.")


def download_links(address: str, query: str = "") -> list[tuple[Any, str]]:
    """Return (label, address) of the downloads of the list at an address."""
    asked = f"?{query}" if query else ""
    return [(label, f"{address.rstrip('/')}.{form}{asked}") for form, label in FORMS.items()]


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
        """Answer with the page, or the rows as ``fmt``, one of FORMS.

        An impossible value is a 400 in every form; a parameter that is no filter is one in a
        download, where nobody would see a notice.
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
        write = {"csv": self.csv, "json": self.json, "xlsx": self.xlsx, "zip": self.zip}[fmt]
        try:
            return write(filterset)
        except TooMuch as error:
            return _plain_error([str(error)])

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

    def title(self) -> Any:
        """Return what the list is called, in words that follow the active language."""
        return self.filterset_class.Meta.model._meta.verbose_name_plural  # type: ignore[attr-defined]

    def whole(self) -> int:
        """Return the number of rows without a filter."""
        return int(self.queryset().count())

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

    def downloads(self, filterset: ReadersFilterSet) -> list[tuple[Any, str]]:
        """Return (label, address) of this very view's downloads."""
        return download_links(self.request.path, _query(filterset))

    def refuse(
        self, fmt: str, errors: dict[str, list[str]], filterset: ReadersFilterSet
    ) -> HttpResponse:
        accepted = list(filterset.filters)
        if fmt == "json":
            return JsonResponse({"errors": errors, "accepted": accepted}, status=400)
        lines = [f"{name}: {' '.join(texts)}" for name, texts in errors.items()]
        return _plain_error([*lines, _("Accepted are: %(names)s") % {"names": ", ".join(accepted)}])

    def csv(self, filterset: ReadersFilterSet) -> StreamingHttpResponse:
        lines = csv_lines([column.name for column in self.columns], self.cells(filterset))
        return self._file((text.encode() for text in lines), "csv")

    def xlsx(self, filterset: ReadersFilterSet) -> StreamingHttpResponse:
        """Raise TooMuch where the rows are more than an Excel sheet holds."""
        check_length(filterset.qs.count())
        header = [column.name for column in self.columns]
        blocks = xlsx_blocks(header, self.cells(filterset), sheet=self.file_name)
        return self._file(blocks, "xlsx")

    def zip(self, filterset: ReadersFilterSet) -> StreamingHttpResponse:
        table = Table(
            name=self.file_name,
            title=self.title(),
            fields=[column.field for column in self.columns],
            rows=self.cells(filterset),
            whole=self.whole(),
        )
        page, query = self.request.path.removesuffix(".zip") + "/", _query(filterset)
        described = about(
            self.title(),
            changed=last_public_change(),
            name=self.file_name,
            url=self.request.build_absolute_uri(f"{page}?{query}" if query else page),
            filters=_in_words(filterset),
        )
        return self._file(package_blocks(described, [table]), "zip")

    def cells(self, filterset: ReadersFilterSet) -> Iterator[list[Any]]:
        """Yield the rows as texts and whole numbers, in the order of the columns."""
        values = [column.value for column in self.columns]
        return ([_cell(value(row)) for value in values] for row in self.rows(filterset.qs))

    def _file(self, blocks: Iterable[bytes], form: str) -> StreamingHttpResponse:
        return StreamingHttpResponse(
            blocks,
            content_type=CONTENT_TYPES[form],
            headers={"Content-Disposition": f'attachment; filename="{self.file_name}.{form}"'},
        )

    def json(self, filterset: ReadersFilterSet) -> StreamingHttpResponse:
        rows = self.rows(filterset.qs)
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


def _plain_error(lines: list[str]) -> HttpResponse:
    text = "".join(f"{line}\n" for line in lines)
    return HttpResponse(text, status=400, content_type="text/plain; charset=utf-8")


def _query(filterset: ReadersFilterSet) -> str:
    query = QueryDict(mutable=True)
    query.update(filterset.applied)
    return query.urlencode()


def _in_words(filterset: ReadersFilterSet) -> list[tuple[Any, Any]]:
    """Return the filters in use as readers see them: label and value, in the active language."""
    form = filterset.form
    return [
        (form.fields[name].label, _value_in_words(form.fields[name], form.cleaned_data[name]))
        for name in filterset.applied
    ]


@in_each_language
def _value_in_words(field: Any, value: Any) -> str:
    # A field's list of choices may be made anew for each language: it can only be gone through.
    named = dict(flatten_choices(iter(getattr(field, "choices", ()))))
    return str(named.get(value, value))


def _cell(value: Any) -> Any:
    """Return a value as a file has it: a whole number stays one, all else is text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return value
    if isinstance(value, list):
        return " ".join(str(item) for item in value)
    return str(value)
