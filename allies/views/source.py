"""Public pages of sources: list, and detail with statements and derived sources."""

from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.db.models import OuterRef
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from allies.citations.footnotes import FootnoteNumbering, localized_texts
from allies.filters import SourceFilterSet
from allies.models import AllyList, Citation, Source, Stance, public_source_key
from allies.models.base import count_distinct_subquery
from allies.views.detail import RecordDetailView
from allies.views.download_columns import DownloadColumn, model_columns
from allies.views.listing import PER_PAGE, Listing, parse_page

if TYPE_CHECKING:
    from allies.models.source import SourceQuerySet


def _statements(stance: str) -> Coalesce:
    """Return a subquery with the number of a source's public citations of one stance."""
    made = Citation.objects.published().filter(source=OuterRef("pk"), stance=stance)
    return count_distinct_subquery(made, "source", "pk")


class SourceListing(Listing):
    filterset_class = SourceFilterSet
    template_name = "allies/source/list.html"
    columns = (
        DownloadColumn(
            "source", lambda source: source.key, _("source"), _("The source’s citation key.")
        ),
        *model_columns(Source, "kind", "publisher", "title", "author", "credit", "url"),
        *model_columns(Source, "date_published", "language"),
        DownloadColumn(
            "derived_from",
            lambda source: public_source_key(source.derived_from),
            _("based on"),
            _("The citation key of the source that this one republishes or is based on."),
        ),
        DownloadColumn(
            "origin",
            lambda source: public_source_key(source.origin),
            _("original source"),
            _("The citation key of the first source in the chain; empty if it is this one."),
        ),
        *model_columns(Source, "archive_url"),
        DownloadColumn(
            "supports",
            lambda source: source.supports,
            _("supports"),
            _("Published statements that it supports."),
            "integer",
        ),
        DownloadColumn(
            "disputes",
            lambda source: source.disputes,
            _("disputes"),
            _("Published statements that it disputes."),
            "integer",
        ),
    )

    def queryset(self) -> "SourceQuerySet":
        return (
            Source.objects.published()
            .select_related("derived_from", "origin")
            .annotate(supports=_statements(Stance.SUPPORTS), disputes=_statements(Stance.DISPUTES))
            .newest_first()
        )


class SourceDetailView(RecordDetailView):
    template_name = "allies/source/detail.html"
    context_object_name = "source"

    def get_queryset(self) -> "SourceQuerySet":
        return self.base_queryset(Source).select_related("derived_from", "origin", "link_health")

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        source: Source = self.object
        statements = Paginator(
            Citation.objects.published()
            .filter(source=source)
            .select_related(
                *("alliance", "membership__alliance", "membership__country", "event"),
                *("entry__ally_list", "entry__country"),
            )
            .order_by("-stance", "event__date_earliest", "pk"),
            PER_PAGE,
        )
        page = parse_page(self.request, statements)
        return super().get_context_data(
            page=page,
            notes=FootnoteNumbering(
                localized_texts(page.object_list, "note"), preview=self.preview
            ),
            derivatives=Source.objects.published().filter(derived_from=source).newest_first(),
            lists=AllyList.objects.published().filter(recorded_from=source).featured_first(),
            **kwargs,
        )
