"""The public list of changesets: date, file, number of changes, and whether undone."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db.models import Model, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from allies.feeds.atom import MAX_FEED_ENTRIES, FeedEntry
from allies.feeds.entries import FeedRow, feed_key, single_step
from allies.filters import ChangesetFilterSet
from allies.models import Changeset
from allies.views.download_columns import DownloadColumn
from allies.views.listing import Listing

if TYPE_CHECKING:
    from allies.models.changeset import ChangesetQuerySet


class ChangesetListing(Listing):
    filterset_class = ChangesetFilterSet
    template_name = "allies/changeset/list.html"
    changed = "applied_at"
    columns = (
        DownloadColumn("number", lambda changeset: changeset.pk, _("number"), type="integer"),
        DownloadColumn("kind", lambda changeset: changeset.kind, _("kind")),
        DownloadColumn(
            "applied",
            lambda changeset: changeset.applied_at.date().isoformat(),
            _("applied"),
            type="date",
        ),
        DownloadColumn("file", lambda changeset: changeset.file_name, _("file")),
        DownloadColumn("sha256", lambda changeset: changeset.sha256),
        DownloadColumn("reason", lambda changeset: changeset.reason, _("reason")),
        DownloadColumn(
            "written",
            lambda changeset: changeset.changed_records_count,
            _("records changed"),
            type="integer",
        ),
        DownloadColumn(
            "undoes",
            lambda changeset: changeset.undoes_id,
            _("undoes"),
            _("The number of the import that was rolled back; empty for an import."),
            "integer",
        ),
        DownloadColumn(
            "undone",
            lambda changeset: changeset.is_undone,
            _("undone"),
            _("Whether it was rolled back."),
            "boolean",
        ),
    )

    def feed_rows(self, queryset: Any) -> Iterable[FeedRow]:
        page = reverse("allies:import-history")
        return [
            FeedRow(
                feed_key(Changeset, one.pk),
                one.created_at,
                str(one),
                f"{page}#changeset-{one.pk}",
                single_step(one.applied_at, one.summary()),
            )
            for one in queryset[:MAX_FEED_ENTRIES]
        ]

    def feed_corrections(self, queryset: QuerySet[Model]) -> Iterable[FeedEntry]:
        return ()

    def queryset(self) -> "ChangesetQuerySet":
        return Changeset.objects.published().with_undone().select_related("undoes").newest_first()
