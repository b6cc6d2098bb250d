"""Filtered lists of one model: the same rows as page, CSV, JSON, XLSX, data package and feed."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator
from django.db.models import Aggregate, Max, Min
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views import View

from allies.evidence.data_sets import cited_data_sets
from allies.file_formats import SheetTooLarge
from allies.filters import PublicFilterSet
from allies.filters.aggregates import Aggregates, GroupBy
from allies.filters.facets import aggregate_filterset, build_facets
from allies.page_cache.memo import while_unchanged
from allies.views.download_mixin import (
    DownloadMixin,
    download_links,
    filter_query,
    format_url,
    plain_error,
)
from allies.views.feed_mixin import FeedMixin
from allies.web.schema_org import DatasetRows

if TYPE_CHECKING:
    from typing import TypeVar

    from django_stubs_ext import StrOrPromise

    Shown = TypeVar("Shown")

#: Rows per page.
PER_PAGE = 50


def parse_page(request: HttpRequest, paginator: "Paginator[Shown]") -> "Page[Shown]":
    """Return the page named by ``?page=``, else the first; raise Http404 if there is none."""
    number = request.GET.get("page", "1")
    is_number = number.isascii() and number.isdecimal() and len(number) < 10
    if not (is_number and 1 <= int(number) <= paginator.num_pages):
        raise Http404(_("Page not found."))
    return paginator.page(int(number))


class Listing(DownloadMixin, FeedMixin, View):
    """A filtered list. A subclass sets ``filterset_class``, ``columns`` and ``template_name``."""

    filterset_class: type[PublicFilterSet]
    template_name: str
    per_page = PER_PAGE
    #: The field with the time of a row's last change, and the fields of its first and last day.
    changed = "updated_at"
    dated: tuple[str, ...] = ()
    #: Counts over all rows of the filter; set once the page is requested.
    sums: Aggregates

    def get(self, request: HttpRequest, fmt: str = "html", **kwargs: object) -> HttpResponseBase:
        """Return the page, or the rows as ``fmt``, one of FORMATS.

        An invalid value gives a 400 in every format. An unknown parameter gives a 400 in downloads
        only: the page shows a notice, which a download cannot.
        """
        self.prepare(**kwargs)
        filterset = self.filterset()
        valid = filterset.is_valid()
        if fmt == "html":
            return self.page(filterset, status=200 if valid else 400)
        errors = {name: list(texts) for name, texts in filterset.errors.items()}
        errors |= {
            name: [_("This filter does not exist here.")] for name in filterset.unknown_parameters
        }
        if errors:
            return self.error_response(fmt, errors, filterset)
        write: Callable[[PublicFilterSet], HttpResponseBase] = getattr(self, fmt)
        try:
            return write(filterset)
        except SheetTooLarge as error:
            return plain_error([str(error)])

    # For subclasses to override.

    def prepare(self, **kwargs: object) -> None:
        """Fetch the record in the URL, if any; raise Http404 if there is none."""

    def filterset(self) -> PublicFilterSet:
        return self.filterset_class(self.request.GET, queryset=self.queryset())

    def context(self) -> dict[str, object]:
        """Return the context of the page in addition to its rows."""
        return {}

    def title(self) -> Any:
        """Return the title of the list as a lazy string."""
        return self.filterset_class.Meta.model._meta.verbose_name_plural  # type: ignore[attr-defined]

    # Formats, besides those of DownloadMixin.

    def page(self, filterset: PublicFilterSet, status: int) -> HttpResponse:
        valid = status == 200
        queryset = filterset.qs if valid else self.queryset().none()
        self.sums = self.aggregates(filterset) if valid else Aggregates()
        paginator = Paginator(queryset, self.per_page)
        paginator.count = self.sums.row_count
        page = parse_page(self.request, paginator)
        return render(
            self.request,
            self.template_name,
            {
                "filterset": filterset,
                "valid": valid,
                "page": page,
                "rows": list(self.page_rows(page.object_list)),
                "unknown": [name for name in filterset.unknown_parameters if name != "page"],
                "downloads": self.downloads(filterset),
                "feed": (self.title(), format_url(self.address(), "atom", filter_query(filterset))),
                "facets": build_facets(filterset, self.sums) if valid else [],
                "described": self._described(filterset) if valid else None,
                "left_out": self.passed_on(filterset).left_out if valid else 0,
                **self.context(),
            },
            status=status,
        )

    def atom(self, filterset: PublicFilterSet) -> HttpResponse:
        query = filter_query(filterset)
        return self.feed(
            filterset,
            title=str(self.title()),
            page=self.page_address(filterset, "atom"),
            address=f"{self.request.path}?{query}" if query else self.request.path,
        )

    def aggregates(self, filterset: PublicFilterSet) -> Aggregates:
        """Return the counts over all rows of a valid filter."""
        return aggregate_filterset(filterset, self.group_by(), **self.aggregate_ranges())

    def group_by(self) -> Mapping[str, GroupBy]:
        """Return further groups to count the rows by; their counts are in ``sums.counts``."""
        return {}

    def aggregate_ranges(self) -> dict[str, Any]:
        """Return aggregates over the rows: time of the last change, first and last day."""
        ends: dict[str, Aggregate] = {"changed": Max(self.changed)}
        covered = zip(("first", "last"), (Min, Max), self.dated, strict=False)
        return ends | {name: end(day) for name, end, day in covered}

    def schema_org_subject(self) -> DatasetRows | None:
        """Return the rows as a data set for the page's JSON-LD; None if they are not one."""
        return DatasetRows(name=capfirst(self.title()), **self.sums.spans)

    def _described(self, filterset: PublicFilterSet) -> DatasetRows | None:
        """Return the rows as a data set, with the data sets that they rest on if unfiltered."""
        subject = self.schema_org_subject()
        if subject is None or filterset.applied_values:
            return subject
        sources = while_unchanged(
            ("data sets", self.request.path), lambda: cited_data_sets(self.cited_rows(filterset))
        )
        return replace(subject, sources=tuple(sources))

    def page_rows(self, queryset: Any) -> Iterable[object]:
        return queryset

    def downloads(self, filterset: PublicFilterSet) -> "list[tuple[StrOrPromise, str]]":
        """Return (label, URL) of the downloads with the same filter."""
        return download_links(self.address(), filter_query(filterset))

    def address(self) -> str:
        """Return the path of the page whose rows these are."""
        return self.request.path
