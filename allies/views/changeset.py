"""Changes made in bulk, as readers meet them: when, from which file, what, do they stand."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db.models import Model, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from allies.feeds.atom import FED, Entry
from allies.feeds.entries import Row, key_of, once
from allies.filters import ChangesetFilterSet
from allies.models import Changeset
from allies.views.columns import Column
from allies.views.listing import Listing

if TYPE_CHECKING:
    from allies.models.changeset import ChangesetQuerySet


class ChangesetListing(Listing):
    filterset_class = ChangesetFilterSet
    template_name = "allies/changeset/list.html"
    changed = "applied_at"
    columns = (
        Column("number", lambda changeset: changeset.pk, _("number"), type="integer"),
        Column("kind", lambda changeset: changeset.kind, _("kind")),
        Column(
            "applied",
            lambda changeset: changeset.applied_at.date().isoformat(),
            _("applied"),
            type="date",
        ),
        Column("file", lambda changeset: changeset.file_name, _("file")),
        Column("sha256", lambda changeset: changeset.sha256),
        Column("reason", lambda changeset: changeset.reason, _("reason")),
        Column(
            "written",
            lambda changeset: changeset.changed,
            _("records changed"),
            type="integer",
        ),
        Column(
            "undoes",
            lambda changeset: changeset.undoes_id,
            _("undoes"),
            _("The number of the import that was rolled back; empty for an import."),
            "integer",
        ),
        Column(
            "undone",
            lambda changeset: changeset.is_undone,
            _("undone"),
            _("Whether it was rolled back."),
            "boolean",
        ),
    )

    def feed_rows(self, queryset: Any) -> Iterable[Row]:
        page = reverse("allies:changeset-list")
        return [
            Row(
                key_of(Changeset, one.pk),
                one.created_at,
                str(one),
                f"{page}#changeset-{one.pk}",
                once(one.applied_at, one.in_short()),
            )
            for one in queryset[:FED]
        ]

    def feed_corrections(self, queryset: QuerySet[Model]) -> Iterable[Entry]:
        return ()

    def queryset(self) -> "ChangesetQuerySet":
        return Changeset.objects.published().with_undone().select_related("undoes").newest_first()
