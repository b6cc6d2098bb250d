"""A filtered view of one noun: the same rows as page, CSV, JSON, XLSX, data package and feed."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator
from django.db.models import Aggregate, Max, Min
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views import View

from allies.filters import ReadersFilterSet
from allies.filters.facets import facets_of, sums_of
from allies.filters.sums import Grouping, Sums
from allies.structured import Rows
from allies.tabular import TooMuch
from allies.views.downloads import Downloads, download_links, form_address, plain_error, query_of
from allies.views.following import Following

if TYPE_CHECKING:
    from typing import TypeVar

    from django_stubs_ext import StrOrPromise

    Shown = TypeVar("Shown")

#: Rows a page shows.
PER_PAGE = 50


def asked_page(request: HttpRequest, paginator: "Paginator[Shown]") -> "Page[Shown]":
    """Return the page the address asks for, the first by default; raise Http404 for none."""
    number = request.GET.get("page", "1")
    is_number = number.isascii() and number.isdecimal() and len(number) < 10
    if not (is_number and 1 <= int(number) <= paginator.num_pages):
        raise Http404(_("Page not found."))
    return paginator.page(int(number))


class Listing(Downloads, Following, View):
    """The rows of a filtered view. A subclass says which filter, which columns, which template."""

    filterset_class: type[ReadersFilterSet]
    template_name: str
    per_page = PER_PAGE
    #: The field that says when a row last changed, and those of the first and last day of each.
    changed = "updated_at"
    dated: tuple[str, ...] = ()
    #: What is counted over the rows of the page asked for.
    sums: Sums

    def get(self, request: HttpRequest, fmt: str = "html", **kwargs: object) -> HttpResponseBase:
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
        errors |= {name: [_("This filter does not exist here.")] for name in filterset.unknown}
        if errors:
            return self.refuse(fmt, errors, filterset)
        write: Callable[[ReadersFilterSet], HttpResponseBase] = getattr(self, fmt)
        try:
            return write(filterset)
        except TooMuch as error:
            return plain_error([str(error)])

    # What a subclass has.

    def prepare(self, **kwargs: object) -> None:
        """Find the record the address names, if it names one; raise Http404."""

    def filterset(self) -> ReadersFilterSet:
        return self.filterset_class(self.request.GET, queryset=self.queryset())

    def context(self) -> dict[str, object]:
        """Return what the page shows besides its rows."""
        return {}

    def title(self) -> Any:
        """Return what the list is called, in words that follow the active language."""
        return self.filterset_class.Meta.model._meta.verbose_name_plural  # type: ignore[attr-defined]

    # The forms.

    def page(self, filterset: ReadersFilterSet, status: int) -> HttpResponse:
        valid = status == 200
        queryset = filterset.qs if valid else self.queryset().none()
        self.sums = self.counted(filterset) if valid else Sums()
        paginator = Paginator(queryset, self.per_page)
        paginator.count = self.sums.number
        page = asked_page(self.request, paginator)
        return render(
            self.request,
            self.template_name,
            {
                "filterset": filterset,
                "valid": valid,
                "page": page,
                "rows": list(self.page_rows(page.object_list)),
                "unknown": [name for name in filterset.unknown if name != "page"],
                "downloads": self.downloads(filterset),
                "feed": (self.title(), form_address(self.address(), "atom", query_of(filterset))),
                "facets": facets_of(filterset, self.sums) if valid else [],
                "described": self.described() if valid else None,
                **self.context(),
            },
            status=status,
        )

    def atom(self, filterset: ReadersFilterSet) -> HttpResponse:
        query = query_of(filterset)
        return self.feed(
            filterset,
            title=str(self.title()),
            page=self.page_address(filterset, "atom"),
            address=f"{self.request.path}?{query}" if query else self.request.path,
        )

    def counted(self, filterset: ReadersFilterSet) -> Sums:
        """Return what is counted over the rows of a valid filter."""
        return sums_of(filterset, self.groups(), **self.spans())

    def groups(self) -> Mapping[str, Grouping]:
        """Return by what else the rows are to be counted; ``sums`` has it once they are."""
        return {}

    def spans(self) -> dict[str, Any]:
        """Return the spans to be known of the rows: when they changed, and the days they cover."""
        ends: dict[str, Aggregate] = {"changed": Max(self.changed)}
        covered = zip(("first", "last"), (Min, Max), self.dated, strict=False)
        return ends | {name: end(day) for name, end, day in covered}

    def described(self) -> Rows | None:
        """Return the rows as a data set, for programs that read the page.

        None where they are no data set.
        """
        return Rows(name=capfirst(self.title()), **self.sums.spans)

    def page_rows(self, queryset: Any) -> Iterable[object]:
        return queryset

    def downloads(self, filterset: ReadersFilterSet) -> "list[tuple[StrOrPromise, str]]":
        """Return (label, address) of this very view's downloads."""
        return download_links(self.address(), query_of(filterset))

    def address(self) -> str:
        """Return the address of the page whose rows these are."""
        return self.request.path
