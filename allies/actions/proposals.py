"""Proposals: changes that wait until they are approved, amended, declined or taken back."""

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from allies.actions.apply_changes import apply_changes, edit_transaction
from allies.actions.permissions import AnyUser, can_write
from allies.actions.scheduling import renew_schedule
from allies.history.snapshots import RecordChange
from allies.models import Changeset, ChangesetState


class AlreadyDecidedError(Exception):
    """The proposal has already been approved, declined or taken back."""


def propose(*, changeset: Changeset, changes: list[RecordChange]) -> None:
    """Save changes as a proposal; the record is not changed."""
    changeset.state = ChangesetState.PROPOSED
    changeset.changes = changes
    changeset.save()


def can_decide(*, user: AnyUser, changeset: Changeset) -> bool:
    """Return whether the user may apply the proposal to the record in its current state."""
    record = changeset.about
    return record is not None and can_write(user=user, record=record)


def _can_decline(*, user: AnyUser, changeset: Changeset) -> bool:
    """Return whether the user may decline the proposal, even if its record no longer exists."""
    if (record := changeset.about) is not None:
        return can_write(user=user, record=record)
    return not changeset.about_noun or user.has_perm(f"allies.change_{changeset.about_noun}")


def can_amend(*, user: AnyUser, changeset: Changeset) -> bool:
    """Return whether the user may change the proposal: its author, or somebody who may decide."""
    own = changeset.created_by_id is not None and changeset.created_by_id == user.pk
    return own or can_decide(user=user, changeset=changeset)


def approve(
    *, changeset: Changeset, user: AnyUser, changes: list[RecordChange], note: str = ""
) -> None:
    """Apply these changes: the proposed ones, or an amended version of them.

    Raises AlreadyDecidedError if somebody else decided first. Otherwise the proposal keeps waiting
    after an error: PermissionDenied without the permissions, ValidationError if there are no
    changes, and whatever ``edit_transaction`` and ``apply_changes`` raise.
    """
    with transaction.atomic():
        fresh = _lock_waiting(changeset)
        if not can_decide(user=user, changeset=fresh):
            raise PermissionDenied
        if not changes:
            raise ValidationError(
                _("No changes are selected. To reject all of them, decline the proposal.")
            )
        root = fresh.about
        fresh.compare_and_set(
            not_taken=_declined_fields(fresh.changes, changes),
            changes=changes,
            decision=note.strip()[:1000],
            decided_by=user.pk,
            decided_at=timezone.now(),
        )
        with edit_transaction(fresh, user=user), renew_schedule(record=root, user=user):
            apply_changes(changes=changes, root=root, user=user)


def _declined_fields(proposed: list[RecordChange], taken: list[RecordChange]) -> list[RecordChange]:
    """Return the proposed changes without the fields that were applied.

    A field that was applied with another value than the proposed one is left out too.
    """
    gone = {(change["key"], name) for change in taken for name in change["fields"]}
    left: list[RecordChange] = [
        {
            **change,
            "fields": {n: v for n, v in change["fields"].items() if (change["key"], n) not in gone},
        }
        for change in proposed
    ]
    return [change for change in left if change["fields"]]


def decline(*, changeset: Changeset, user: AnyUser, note: str) -> None:
    """Decline a proposal and give its author the reason.

    Authors who withdraw their own proposal need no reason. If the record is gone, the permission to
    change records of its type is required.

    Raises AlreadyDecidedError if it was already decided, PermissionDenied without the permission to
    decide, and ValidationError if the reason is missing.
    """
    with transaction.atomic():
        fresh = _lock_waiting(changeset)
        own = fresh.created_by_id == user.pk
        if not own and not _can_decline(user=user, changeset=fresh):
            raise PermissionDenied
        if not own and not note.strip():
            raise ValidationError(_("Give a reason for the author."))
        fresh.compare_and_set(
            state=ChangesetState.DECLINED,
            decision=note.strip()[:1000],
            decided_by=user.pk,
            decided_at=timezone.now(),
        )


def amend(*, changeset: Changeset, user: AnyUser, changes: list[RecordChange]) -> None:
    """Replace the changes of a proposal, which keeps waiting.

    Raises AlreadyDecidedError if it was already decided, PermissionDenied if the user may not amend
    it, and ValidationError if there are no changes.
    """
    with transaction.atomic():
        fresh = _lock_waiting(changeset)
        if not can_amend(user=user, changeset=fresh):
            raise PermissionDenied
        if not changes:
            raise ValidationError(
                _("No changes are selected. To reject all of them, decline the proposal.")
            )
        fresh.compare_and_set(changes=changes)


def _lock_waiting(changeset: Changeset) -> Changeset:
    fresh = Changeset.objects.select_for_update(of=("self",)).get(pk=changeset.pk)
    if not fresh.is_proposed:
        raise AlreadyDecidedError
    return fresh


def conflicting_fields(
    changeset: Changeset, now: dict[str, dict[str, object]]
) -> dict[str, set[str]]:
    """Return record key → fields whose current value is neither the old nor the proposed one.

    For a record to be removed, these are the fields that no longer have their old value. If a
    record to be changed is gone, the fields are ``{"*"}``.
    """
    found: dict[str, set[str]] = {}
    for change in changeset.changes:
        if change["what"] == "added":
            continue
        current = now.get(change["key"])
        if current is None:
            if change["what"] == "changed":
                found[change["key"]] = {"*"}
            continue
        moved = {
            name
            for name, (old, new) in change["fields"].items()
            if current.get(name) not in ((old, new) if change["what"] == "changed" else (old,))
        }
        if moved:
            found[change["key"]] = moved
    return found
