"""Filtered views as Atom feeds: changes of rows, corrections and withdrawals."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db.models import Q
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
    """The feed of a filtered view.

    The defaults fit a view whose rows are records. A view whose rows are computed from records
    overrides the ``feed_…`` methods.
    """

    request: HttpRequest
    filterset_class: type[PublicFilterSet]
    #: Condition on the versions of records that the view can show, if it never shows the others.
    withdrawn_condition = Q()

    @property
    def _model(self) -> Any:
        return self.filterset_class.Meta.model  # type: ignore[attr-defined]

    def feed_rows(self, queryset: Any) -> Iterable[FeedRow]:
        """Return the MAX_FEED_ENTRIES rows of the view that changed last."""
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
        """Return the published corrections of the rows' records."""
        return correction_entries(
            str(self._model._meta.model_name), queryset.order_by().values("pk")
        )

    def feed_removed(self, filterset: PublicFilterSet) -> Iterable[RemovedRow]:
        """Return the rows that left the view.

        Without a filter, these are all withdrawn records of the model. With a filter, they are
        those that match it and were not edited since readers last saw them. With a search (``q``)
        there are none, because a match would reveal what a withdrawn text says.
        """
        if "q" in filterset.applied_values:
            return ()
        gone = withdrawn_records(self._model, self.withdrawn_condition)
        if filterset.applied_values and gone:
            records = self._model.objects.filter(
                pk__in=[one.number for one in gone if one.last_public_version]
            )
            same_filter = self.filterset_class(self.request.GET, queryset=records)
            kept = set(same_filter.qs.order_by().values_list("pk", flat=True))
            gone = [one for one in gone if one.number in kept]
        return withdrawal_text(self._model, gone)

    def feed_author(self) -> str:
        """Return who wrote the feed."""
        return str(settings.SITE_NAME)

    def feed_subtitle(self) -> str:
        """Return a sentence on what the feed is about, or ""; costs queries."""
        return ""

    def feed(
        self, filterset: PublicFilterSet, *, title: str, page: str, address: str
    ) -> HttpResponse:
        """Return the response with the feed.

        ``address`` is the URL of the feed and ``page`` that of its page, both with the filter.
        """
        queryset = filterset.qs
        gone = list(self.feed_removed(filterset))
        return atom_response(
            self.request,
            title=title,
            subtitle=self.feed_subtitle(),
            author=self.feed_author(),
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
