"""Going back to what a record, with its parts, was."""

import datetime as dt

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from allies.actions.editing import editing, new_edit, write
from allies.actions.proposals import propose
from allies.actions.rights import Person, may_change
from allies.models import Changeset, ChangesetKind, Record
from allies.models.dossier import compare, read, read_at, root_of


@transaction.atomic
def revert(*, record: Record, moment: dt.datetime, user: Person) -> Changeset | None:
    """Give a record and its parts the content they had at a moment; its status stays.

    Where the user may not change the record as it stands, the way back is proposed. Returns the
    changeset, applied or proposed, and None where there is nothing to change. Raises
    PermissionDenied without the rights, ValidationError where the old content breaks a rule of
    today, EvidenceLost where something public would be left without a source.
    """
    now = read(record, lock=True)
    changes = compare(now, read_at(record, moment))
    if not changes:
        return None
    root = root_of(record)
    changeset = new_edit(
        record=root,
        user=user,
        kind=ChangesetKind.REVERT,
        reason=_("Reverted to the version of %(date)s")
        % {"date": date_format(timezone.localtime(moment), "DATETIME_FORMAT")},
    )
    if may_change(user=user, record=record):
        with editing(changeset, user=user):
            write(changes=changes, root=root, user=user)
    else:
        propose(changeset=changeset, changes=changes)
    return changeset
