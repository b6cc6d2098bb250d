"""Reverting a record and its parts to an earlier version."""

import datetime as dt

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from allies.actions.apply_changes import apply_changes, edit_transaction, new_changeset
from allies.actions.permissions import AnyUser, can_change
from allies.actions.proposals import propose
from allies.history.snapshots import diff_snapshots, get_root_record, snapshot_at, take_snapshot
from allies.models import Changeset, ChangesetKind, Record


@transaction.atomic
def revert_record(*, record: Record, moment: dt.datetime, user: AnyUser) -> Changeset | None:
    """Restore the content that a record and its parts had at a moment; the status stays.

    If the user may not change the record, the changes are proposed. Returns the changeset, applied
    or proposed; None if there is nothing to change. Raises PermissionDenied without the
    permissions, ValidationError if the old content breaks a current rule, EvidenceLost if a public
    record would be left without a source.
    """
    now = take_snapshot(record, lock=True)
    changes = diff_snapshots(now, snapshot_at(record, moment))
    if not changes:
        return None
    root = get_root_record(record)
    changeset = new_changeset(
        record=root,
        user=user,
        kind=ChangesetKind.REVERT,
        reason=_("Reverted to the version of %(date)s")
        % {"date": date_format(timezone.localtime(moment), "DATETIME_FORMAT")},
    )
    if can_change(user=user, record=record):
        with edit_transaction(changeset, user=user):
            apply_changes(changes=changes, root=root, user=user)
    else:
        propose(changeset=changeset, changes=changes)
    return changeset
