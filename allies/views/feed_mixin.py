"""A filtered view as a feed: its rows with what changed, and what was corrected or withdrawn."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from allies.datapackage.metadata import last_public_change_time
from allies.feeds.atom import MAX_FEED_ENTRIES, FeedEntry, atom_response
from allies.feeds.entries import (
    FeedRow,
    RemovedRow,
    build_entry,
    build_rows,
    build_tombstone,
    correction_entries,
    feed_key,
    latest_records,
    removed_entry,
    single_step,
    withdrawal_text,
)
from allies.filters import PublicFilterSet
from allies.history.visibility import withdrawn_records
from allies.models import Record


class FeedMixin:
    """What a filtered view does to be followed.

    A view whose rows are records need do nothing; one whose rows rest on records says on which.
    """

    request: HttpRequest
    filterset_class: type[PublicFilterSet]

    @property
    def _model(self) -> Any:
        return self.filterset_class.Meta.model  # type: ignore[attr-defined]

    def feed_rows(self, queryset: Any) -> Iterable[FeedRow]:
        """Return the FED rows of the view that changed last."""
        if issubclass(self._model, Record):
            return build_rows(latest_records(queryset))
        return [
            FeedRow(
                feed_key(type(one), one.pk), one.created_at, str(one), one.get_absolute_url(), steps
            )
            for one in queryset.order_by("-created_at", "-pk")[:MAX_FEED_ENTRIES]
            for steps in [single_step(one.created_at)]
        ]

    def feed_corrections(self, queryset: Any) -> Iterable[FeedEntry]:
        """Return what the log of corrections has of the rows."""
        return correction_entries(
            str(self._model._meta.model_name), queryset.order_by().values("pk")
        )

    def feed_removed(self, filterset: PublicFilterSet) -> Iterable[RemovedRow]:
        """Return what left the view.

        Without a filter that is every record of the noun that was withdrawn. Whether one was in
        a filtered view can be asked of those alone that are still as readers saw them last. What
        their texts hold is not told, be it by whether a search finds them.
        """
        if "q" in filterset.applied_values:
            return ()
        gone = withdrawn_records(self._model)
        if filterset.applied_values and gone:
            records = self._model.objects.filter(
                pk__in=[one.number for one in gone if one.last_public_version]
            )
            same_filter = self.filterset_class(self.request.GET, queryset=records)
            kept = set(same_filter.qs.order_by().values_list("pk", flat=True))
            gone = [one for one in gone if one.number in kept]
        return withdrawal_text(self._model, gone)

    def feed(
        self, filterset: PublicFilterSet, *, title: str, page: str, address: str
    ) -> HttpResponse:
        """Answer with the feed.

        ``address`` is the feed's own and ``page`` that of what it follows, both with the filter.
        """
        queryset = filterset.qs
        gone = list(self.feed_removed(filterset))
        return atom_response(
            self.request,
            title=title,
            page=page,
            address=address,
            entries=[
                *(entry for row in self.feed_rows(queryset) if (entry := build_entry(row))),
                *self.feed_corrections(queryset),
                *map(removed_entry, gone),
            ],
            gone=[build_tombstone(one) for one in gone],
            updated=last_public_change_time() or timezone.now(),
        )
