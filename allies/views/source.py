"""Sources as readers meet them: what rests on each, and what draws on it."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import OuterRef
from django.db.models.functions import Coalesce

from allies.filters import SourceFilterSet
from allies.models import AllyList, Citation, Source, Stance
from allies.models.base import counted
from allies.views.ally_list import public_key
from allies.views.listing import PER_PAGE, Column, Listing, asked_page
from allies.views.record import PublicPage


def _statements(stance: str) -> Coalesce:
    """Return the number of public statements a source makes in one stance."""
    made = Citation.objects.published().filter(source=OuterRef("pk"), stance=stance)
    return counted(made, "source", "pk")


class SourceListing(Listing):
    filterset_class = SourceFilterSet
    template_name = "allies/source/list.html"
    columns = (
        Column("source", lambda source: source.key),
        Column("kind", lambda source: source.kind),
        Column("publisher", lambda source: source.publisher),
        Column("title", lambda source: source.title),
        Column("author", lambda source: source.author),
        Column("url", lambda source: source.url),
        Column("date_published", lambda source: source.date_published),
        Column("language", lambda source: source.language),
        Column("derived_from", lambda source: public_key(source.derived_from)),
        Column("origin", lambda source: public_key(source.origin)),
        Column("archive_url", lambda source: source.archive_url),
        Column("supports", lambda source: source.supports),
        Column("disputes", lambda source: source.disputes),
    )

    def queryset(self) -> Any:
        return (
            Source.objects.published()
            .select_related("derived_from", "origin")
            .annotate(supports=_statements(Stance.SUPPORTS), disputes=_statements(Stance.DISPUTES))
            .newest_first()
        )


class SourcePage(PublicPage):
    template_name = "allies/source/detail.html"
    context_object_name = "source"
    slug_field = slug_url_kwarg = "key"

    def get_queryset(self) -> Any:
        return self.records(Source).select_related("derived_from", "origin")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        source: Any = self.object
        statements = Paginator(
            Citation.objects.published()
            .filter(source=source)
            .select_related("alliance", "event", "entry__ally_list", "entry__country")
            .order_by("-stance", "event__date_earliest", "pk"),
            PER_PAGE,
        )
        return super().get_context_data(
            page=asked_page(self.request, statements),
            derivatives=Source.objects.published().filter(derived_from=source).newest_first(),
            lists=AllyList.objects.published().filter(recorded_from=source).featured_first(),
            **kwargs,
        )
