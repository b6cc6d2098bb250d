"""Pages of single records, found by their slug or redirected from an old one."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.paginator import Paginator
from django.core.validators import slug_re
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.generic import DetailView

from allies.citations.footnotes import FootnoteNumbering
from allies.history.public_steps import get_public_steps
from allies.models import Country, OldSlug
from allies.ties.ties_between import CountryPair
from allies.views.listing import PER_PAGE, parse_page


class MovedRecord(Exception):
    """The record has another URL now; ``arguments`` are the URL arguments that changed."""

    def __init__(self, **arguments: str) -> None:
        super().__init__(arguments)
        self.arguments = arguments


def find_record(queryset: Any, slug: str, field: str = "slug") -> Any:
    """Return the public record with this slug.

    Raise MovedRecord for an old slug, or for a data-set ID written as a slug: "cow-227" for
    "cow:227". Raise Http404 if there is no such record. ``field`` is the field in the record's URL:
    "key" for sources.
    """
    if not slug_re.match(slug):
        raise Http404
    if record := queryset.filter(**{field: slug}).first():
        return record
    record_id = OldSlug.objects.record_id(queryset.model, slug)
    moved = queryset.filter(pk=record_id)
    if record_id is None and hasattr(queryset.model, "identifier"):
        moved = queryset.filter(identifier__in=_identifiers(slug))
    current = list(moved.order_by().values_list(field, flat=True)[:2])
    if len(current) != 1:
        raise Http404
    raise MovedRecord(**{field: current[0]})


def _identifiers(slug: str) -> list[str]:
    """Return the data-set IDs that a slug may stand for, with a colon after the data set.

    >>> _identifiers("un-votes-3")
    ['un:votes-3', 'un-votes:3']
    """
    places = (place for place, sign in enumerate(slug) if sign == "-")
    return [f"{slug[:place]}:{slug[place + 1 :]}" for place in places if 0 < place < len(slug) - 1]


def find_pair(first: str, second: str) -> CountryPair:
    """Return the pair with these slugs.

    Raise MovedRecord for the other order or an old slug. Raise Http404 if a country is unknown or
    both are the same.
    """
    one, other = _current_country(first), _current_country(second)
    if one == other:
        raise Http404
    pair = CountryPair.of(one, other)
    if (pair.first.slug, pair.second.slug) != (first, second):
        raise MovedRecord(first=pair.first.slug, second=pair.second.slug)
    return pair


def _current_country(slug: str) -> Country:
    countries = Country.objects.published()
    try:
        return find_record(countries, slug)
    except MovedRecord as renamed:
        return find_record(countries, renamed.arguments["slug"])


class OldSlugRedirectMixin:
    """Redirect old URLs to the new one, in the same format and with the same query."""

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        try:
            return super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        except MovedRecord as renamed:
            match = request.resolver_match
            assert match is not None  # a dispatched request was resolved
            arguments = {**match.kwargs, **renamed.arguments}
            address = reverse(match.view_name, kwargs=arguments)
            query = request.META.get("QUERY_STRING", "")
            return redirect(f"{address}?{query}" if query else address, permanent=True)


def _address_field(kwargs: Mapping[str, object]) -> str:
    """Return the field in a page's URL: the key of a source, else the slug."""
    return "key" if "key" in kwargs else "slug"


class PublicDetailView(DetailView):
    """A page of one public record or, as a preview, of any record."""

    #: Set only by callers that have checked access: the admin and preview links.
    preview = False

    def base_queryset(self, model: Any) -> Any:
        """Return the records of a model that this page may show."""
        return model.objects.all() if self.preview else model.objects.published()

    @property
    def is_published_by_now(self) -> bool:
        """Whether readers can see the previewed record; one query."""
        record: Any = self.object
        return bool(type(record).objects.published().filter(pk=record.pk).exists())

    def cited_texts(self) -> Iterable[str]:
        """Return the texts of the page that may cite sources, in order."""
        return ()

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        kwargs.setdefault("notes", FootnoteNumbering(self.cited_texts(), preview=self.preview))
        return super().get_context_data(**kwargs)


class RecordSubpage(OldSlugRedirectMixin, PublicDetailView):
    """A page about a record of any type, besides its main page: history, editions, corrections."""

    context_object_name = "record"

    def get_object(self, queryset: Any = None) -> Any:
        field = _address_field(self.kwargs)
        return find_record(self.base_queryset(self.model), self.kwargs[field], field)


class HistoryView(RecordSubpage):
    """The public history of one record."""

    template_name = "allies/history.html"

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        steps = Paginator(get_public_steps(self.object), PER_PAGE)
        return super().get_context_data(page=parse_page(self.request, steps), **kwargs)


class RecordDetailView(OldSlugRedirectMixin, PublicDetailView):
    """The main page of one record."""

    def get_object(self, queryset: Any = None) -> Any:
        field = _address_field(self.kwargs)
        return find_record(self.get_queryset(), self.kwargs[field], field)

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        return super().get_context_data(described=self.object, **kwargs)
