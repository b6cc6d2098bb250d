"""Sources as readers meet them: what rests on each, and what draws on it."""

from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.db.models import OuterRef
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from allies.filters import SourceFilterSet
from allies.models import AllyList, Citation, Source, Stance, public_key
from allies.models.base import counted
from allies.notes import Notes, prose_of
from allies.views.columns import Column, stored
from allies.views.listing import PER_PAGE, Listing, asked_page
from allies.views.record import RecordView

if TYPE_CHECKING:
    from allies.models.source import SourceQuerySet


def _statements(stance: str) -> Coalesce:
    """Return the number of public statements a source makes in one stance."""
    made = Citation.objects.published().filter(source=OuterRef("pk"), stance=stance)
    return counted(made, "source", "pk")


class SourceListing(Listing):
    filterset_class = SourceFilterSet
    template_name = "allies/source/list.html"
    columns = (
        Column("source", lambda source: source.key, _("source"), _("The source’s citation key.")),
        *stored(Source, "kind", "publisher", "title", "author", "credit", "url"),
        *stored(Source, "date_published", "language"),
        Column(
            "derived_from",
            lambda source: public_key(source.derived_from),
            _("based on"),
            _("The citation key of the source that this one republishes or is based on."),
        ),
        Column(
            "origin",
            lambda source: public_key(source.origin),
            _("original source"),
            _("The citation key of the first source in the chain; empty if it is this one."),
        ),
        *stored(Source, "archive_url"),
        Column(
            "supports",
            lambda source: source.supports,
            _("supports"),
            _("Published statements that it supports."),
            "integer",
        ),
        Column(
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


class SourcePage(RecordView):
    template_name = "allies/source/detail.html"
    context_object_name = "source"

    def get_queryset(self) -> "SourceQuerySet":
        return self.records(Source).select_related("derived_from", "origin", "link_health")

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        source: Source = self.object
        statements = Paginator(
            Citation.objects.published()
            .filter(source=source)
            .select_related("alliance", "event", "entry__ally_list", "entry__country")
            .order_by("-stance", "event__date_earliest", "pk"),
            PER_PAGE,
        )
        page = asked_page(self.request, statements)
        return super().get_context_data(
            page=page,
            notes=Notes(prose_of(page.object_list, "note"), preview=self.preview),
            derivatives=Source.objects.published().filter(derived_from=source).newest_first(),
            lists=AllyList.objects.published().filter(recorded_from=source).featured_first(),
            **kwargs,
        )
