"""A filtered view as a feed: its rows with what changed, and what was corrected or withdrawn."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from allies.description import last_public_change
from allies.feeds.atom import FED, Entry, atom
from allies.feeds.entries import (
    Gone,
    Row,
    corrections_of,
    entry_of,
    entry_of_gone,
    key_of,
    latest,
    once,
    rows_of,
    tombstone_of,
    withdrawn,
)
from allies.filters import ReadersFilterSet
from allies.models import Record
from allies.past import left


class Following:
    """What a filtered view does to be followed.

    A view whose rows are records need do nothing; one whose rows rest on records says on which.
    """

    request: HttpRequest
    filterset_class: type[ReadersFilterSet]

    @property
    def _model(self) -> Any:
        return self.filterset_class.Meta.model  # type: ignore[attr-defined]

    def feed_rows(self, queryset: Any) -> Iterable[Row]:
        """Return the FED rows of the view that changed last."""
        if issubclass(self._model, Record):
            return rows_of(latest(queryset))
        return [
            Row(key_of(type(one), one.pk), one.created_at, str(one), one.get_absolute_url(), steps)
            for one in queryset.order_by("-created_at", "-pk")[:FED]
            for steps in [once(one.created_at)]
        ]

    def feed_corrections(self, queryset: Any) -> Iterable[Entry]:
        """Return what the log of corrections has of the rows."""
        return corrections_of(str(self._model._meta.model_name), queryset.order_by().values("pk"))

    def feed_gone(self, filterset: ReadersFilterSet) -> Iterable[Gone]:
        """Return what left the view.

        Without a filter that is every record of the noun that was withdrawn. Whether one was in
        a filtered view can be asked of those alone that are still as readers saw them last. What
        their texts hold is not told, be it by whether a search finds them.
        """
        if "q" in filterset.applied:
            return ()
        gone = left(self._model)
        if filterset.applied and gone:
            records = self._model.objects.filter(
                pk__in=[one.number for one in gone if one.as_it_was]
            )
            same_filter = self.filterset_class(self.request.GET, queryset=records)
            kept = set(same_filter.qs.order_by().values_list("pk", flat=True))
            gone = [one for one in gone if one.number in kept]
        return withdrawn(self._model, gone)

    def feed(
        self, filterset: ReadersFilterSet, *, title: str, page: str, address: str
    ) -> HttpResponse:
        """Answer with the feed.

        ``address`` is the feed's own and ``page`` that of what it follows, both with the filter.
        """
        queryset = filterset.qs
        gone = list(self.feed_gone(filterset))
        return atom(
            self.request,
            title=title,
            page=page,
            address=address,
            entries=[
                *(entry for row in self.feed_rows(queryset) if (entry := entry_of(row))),
                *self.feed_corrections(queryset),
                *map(entry_of_gone, gone),
            ],
            gone=[tombstone_of(one) for one in gone],
            updated=last_public_change() or timezone.now(),
        )
