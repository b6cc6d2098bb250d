"""Changes made in bulk, as readers meet them: when, from which file, what, do they stand."""

from typing import Any

from allies.filters import ChangesetFilterSet
from allies.models import Changeset
from allies.views.listing import Column, Listing


class ChangesetListing(Listing):
    filterset_class = ChangesetFilterSet
    template_name = "allies/changeset/list.html"
    columns = (
        Column("number", lambda changeset: changeset.pk),
        Column("kind", lambda changeset: changeset.kind),
        Column("applied", lambda changeset: changeset.applied_at.date().isoformat()),
        Column("file", lambda changeset: changeset.file_name),
        Column("sha256", lambda changeset: changeset.sha256),
        Column("reason", lambda changeset: changeset.reason),
        Column("written", lambda changeset: changeset.changed),
        Column("undoes", lambda changeset: changeset.undoes_id),
        Column("undone", lambda changeset: changeset.is_undone),
    )

    def queryset(self) -> Any:
        return Changeset.objects.published().with_undone().select_related("undoes").newest_first()
