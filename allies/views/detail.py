"""The page of one record, at its slug or at one it had before."""

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
from allies.ties.pairs import CountryPair
from allies.views.listing import PER_PAGE, parse_page


class MovedRecord(Exception):
    """The page has another address now; ``arguments`` are what is different in it."""

    def __init__(self, **arguments: str) -> None:
        super().__init__(arguments)
        self.arguments = arguments


def find_record(queryset: Any, slug: str, field: str = "slug") -> Any:
    """Return the public record with this slug; raise Renamed for an old one, else Http404.

    ``field`` is what the record's address is made of: a source's is its key.
    """
    if not slug_re.match(slug):
        raise Http404
    if record := queryset.filter(**{field: slug}).first():
        return record
    record_id = OldSlug.objects.record_id(queryset.model, slug)
    current = queryset.filter(pk=record_id).values_list(field, flat=True).first()
    if current is None:
        raise Http404
    raise MovedRecord(**{field: current})


def find_pair(first: str, second: str) -> CountryPair:
    """Return the pair with these slugs; raise Renamed for another order or an old slug.

    Raise Http404 where a country is not known, or is asked for with itself.
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
    """A view that leads old addresses to the new one, in every form and with its query."""

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
    """Return what a page's address is made of: a source's is its key, all others' a slug."""
    return "key" if "key" in kwargs else "slug"


class PublicDetailView(DetailView):
    """The page of one record readers may see or, to preview it, of any."""

    #: Set by the editors' side only, which asks for the right to see the record first.
    preview = False

    def base_queryset(self, model: Any) -> Any:
        """Return the records of a model that this page may show."""
        return model.objects.all() if self.preview else model.objects.published()

    @property
    def is_published_by_now(self) -> bool:
        """Whether readers see the record that is previewed; costs a query."""
        record: Any = self.object
        return bool(type(record).objects.published().filter(pk=record.pk).exists())

    def cited_texts(self) -> Iterable[str]:
        """Return the texts of the page that may cite sources."""
        return ()

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        kwargs.setdefault("notes", FootnoteNumbering(self.cited_texts(), preview=self.preview))
        return super().get_context_data(**kwargs)


class RecordSubpage(OldSlugRedirectMixin, PublicDetailView):
    """A page beside that of a record of any noun, at its slug or key."""

    context_object_name = "record"

    def get_object(self, queryset: Any = None) -> Any:
        field = _address_field(self.kwargs)
        return find_record(self.base_queryset(self.model), self.kwargs[field], field)


class HistoryView(RecordSubpage):
    """What readers saw change of one record, in plain words."""

    template_name = "allies/history.html"

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        steps = Paginator(get_public_steps(self.object), PER_PAGE)
        return super().get_context_data(page=parse_page(self.request, steps), **kwargs)


class RecordDetailView(OldSlugRedirectMixin, PublicDetailView):
    """The page of one record at its slug."""

    def get_object(self, queryset: Any = None) -> Any:
        field = _address_field(self.kwargs)
        return find_record(self.get_queryset(), self.kwargs[field], field)

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        return super().get_context_data(described=self.object, **kwargs)
