"""Editing in a changeset: a record and its parts are written together, with user and reason."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from allies.actions.permissions import (
    AnyUser,
    can_change,
    changeset_states,
    has_permission,
    require_publish_right,
)
from allies.evidence.guards import defer_evidence_checks
from allies.history.changeset_context import changeset_context
from allies.history.snapshots import (
    RecordChange,
    Snapshot,
    diff_snapshots,
    get_root_record,
    id_of_key,
    model_of_key,
)
from allies.models import Changeset, ChangesetKind, Publishable, Record
from allies.models.base import PublicationIssue

_RIGHT = {"added": "add", "changed": "change", "removed": "delete"}


class IncompleteRecord(ValidationError):
    """A change after which a public record would be incomplete."""


def new_changeset(
    *,
    record: Any,
    user: AnyUser,
    reason: str = "",
    public_note: str = "",
    kind: str = ChangesetKind.EDIT,
) -> Changeset:
    """Return an unsaved changeset for an edit that starts on the page of this record."""
    return Changeset(
        kind=kind,
        about_noun=record._meta.model_name if record.pk else "",
        about_id=record.pk,
        reason=reason.strip()[:1000],
        public_note=public_note.strip()[:1000],
        created_by_id=user.pk,
    )


@contextmanager
def edit_transaction(changeset: Changeset, *, user: AnyUser | None) -> Iterator[None]:
    """Write everything inside the block in this changeset: all of it or nothing.

    Raises EvidenceLost if a public record is left without a source at the end. Raises
    PublishRightMissing if a written record was or is public and the user may not publish it.
    ``user`` is None for the operator, and for a trial that is rolled back.
    """
    with transaction.atomic():
        with changeset_context(changeset), defer_evidence_checks():
            yield
        if user is not None:
            require_publish_right(user=user, states=changeset_states(changeset))


def apply_changes(*, changes: list[RecordChange], root: Record, user: AnyUser) -> None:
    """Write changes to a record and its parts; call it inside ``edit_transaction``.

    Raises PermissionDenied without the permissions, IncompleteRecord if a public record would be
    incomplete, ValidationError if a change breaks a rule or its record is gone.
    """
    _require_rights(changes, root, user)
    written: dict[str, int] = {}
    removed = [change for change in changes if change["what"] == "removed"]
    with ensure_still_publishable(root):
        for change in reversed(removed):
            _get_existing(change, root).delete()
        for change in changes:
            if change["what"] != "removed":
                _write_one(change, root, written)


def _require_rights(changes: list[RecordChange], root: Record, user: AnyUser) -> None:
    if not can_change(user=user, record=root):
        raise PermissionDenied
    for change in changes:
        model = model_of_key(change["key"])
        if not has_permission(user=user, action=_RIGHT[change["what"]], record=model):
            raise PermissionDenied


@contextmanager
def ensure_still_publishable(root: Model) -> Iterator[None]:
    """Raise IncompleteRecord if writes in the block make a public record incomplete."""
    lacked = _publication_issues(root)
    yield
    if new := [text for text in _publication_issues(root) if text not in lacked]:
        raise IncompleteRecord(new)


def _publication_issues(root: Model) -> list[PublicationIssue]:
    """Return what a published record lacks to be published; empty for other statuses."""
    fresh = type(root)._default_manager.filter(pk=root.pk).first()
    if not isinstance(fresh, Publishable) or not fresh.is_published:
        return []
    return fresh.blocking_issues()


def _get_existing(change: RecordChange, root: Model) -> Record:
    """Return the record of a change.

    Raises ValidationError if the record is gone or is part of another record.
    """
    model = model_of_key(change["key"])
    record = model._default_manager.filter(pk=id_of_key(change["key"])).first()
    if record is None:
        raise ValidationError(
            _("%(noun)s %(number)s no longer exists.")
            % {"noun": model._meta.verbose_name, "number": id_of_key(change["key"])}
        )
    _require_part(record, root)
    return record


def _require_part(record: Model, root: Model) -> None:
    if get_root_record(record) != root:
        raise ValidationError(
            _("“%(record)s” is part of another record. Open that record to edit it.")
            % {"record": record}
        )


def _write_one(change: RecordChange, root: Model, written: dict[str, int]) -> None:
    model, number = model_of_key(change["key"]), id_of_key(change["key"])
    if change["what"] == "changed":
        record = _get_existing(change, root)
    else:
        # A restored record gets its old id; a new one gets a new id from the database.
        record = model() if number.startswith("+") else model(pk=int(number))
    for name, (_old, new) in change["fields"].items():
        field = model._meta.get_field(name)
        setattr(record, field.attname, written.get(new, new) if field.is_relation else new)
    full_clean_and_save(record, force_insert=change["what"] == "added")
    _require_part(record, root)
    written[change["key"]] = record.pk


def full_clean_and_save(
    record: Model, *, exclude: Collection[str] = (), force_insert: bool = False
) -> None:
    """Validate and save a record; ``exclude`` are fields that are not validated.

    Raises ValidationError with the record's name if it breaks a rule or conflicts with another one.
    """
    try:
        record.full_clean(exclude=set(exclude))
        record.save(force_insert=force_insert)
    except ValidationError as error:
        raise ValidationError([f"{record}: {text}" for text in error.messages]) from error
    except IntegrityError as error:
        raise ValidationError(
            _("“%(record)s” cannot be saved because another record conflicts with it.")
            % {"record": record}
        ) from error


def restore_rows_unversioned(*, now: Snapshot, before: Snapshot) -> None:
    """Restore rows to an earlier snapshot, without writing versions.

    Only for a transaction that is rolled back. Raises IntegrityError if another row has taken their
    place.
    """
    back = diff_snapshots(now, before)
    for change in reversed(back):
        if change["what"] == "removed":
            _rows(change)._raw_delete(_rows(change).db)
    for change in back:
        model = model_of_key(change["key"])
        values = {
            model._meta.get_field(name).attname: new
            for name, (_old, new) in change["fields"].items()
        }
        if change["what"] == "changed":
            _rows(change).update(**values)
        elif change["what"] == "added":
            model._default_manager.bulk_create([model(pk=int(id_of_key(change["key"])), **values)])


def _rows(change: RecordChange) -> Any:
    return model_of_key(change["key"])._default_manager.filter(pk=id_of_key(change["key"]))
