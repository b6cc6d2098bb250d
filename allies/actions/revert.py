"""Going back to what a record, with its parts, was."""

import datetime as dt

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from allies.actions.editing import apply_changes, edit_transaction, new_changeset
from allies.actions.permissions import AnyUser, can_change
from allies.actions.proposals import propose
from allies.history.snapshots import diff_snapshots, get_root_record, snapshot_at, take_snapshot
from allies.models import Changeset, ChangesetKind, Record


@transaction.atomic
def revert_record(*, record: Record, moment: dt.datetime, user: AnyUser) -> Changeset | None:
    """Give a record and its parts the content they had at a moment; its status stays.

    Where the user may not change the record as it stands, the way back is proposed. Returns the
    changeset, applied or proposed, and None where there is nothing to change. Raises
    PermissionDenied without the rights, ValidationError where the old content breaks a rule of
    today, EvidenceLost where something public would be left without a source.
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
