"""Editing under a changeset: a record and its parts, written as one, with who, when and why."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from allies.actions.rights import (
    Person,
    may,
    may_change,
    require_publish_right,
    versions_of,
)
from allies.models import (
    Changeset,
    ChangesetKind,
    Publishable,
    Record,
    support_settled_at_the_end,
    written_under,
)
from allies.models.base import Lack
from allies.models.dossier import Change, Dossier, compare, id_of, model_of, root_of

_RIGHT = {"added": "add", "changed": "change", "removed": "delete"}


class Incomplete(ValidationError):
    """A change after which a public record would lack what it needs to be public."""


def new_edit(
    *,
    record: Any,
    user: Person,
    reason: str = "",
    public_note: str = "",
    kind: str = ChangesetKind.EDIT,
) -> Changeset:
    """Return a changeset, not saved yet, for changes begun on this record's page."""
    return Changeset(
        kind=kind,
        about_noun=record._meta.model_name if record.pk else "",
        about_id=record.pk,
        reason=reason.strip()[:1000],
        public_note=public_note.strip()[:1000],
        created_by_id=user.pk,
    )


@contextmanager
def editing(changeset: Changeset, *, user: Person | None) -> Iterator[None]:
    """Write what follows as one, under this changeset: all of it or nothing.

    Raises EvidenceLost if at the end something public is left without a source, and
    PublishRightMissing if something written was public or is, and the user may not publish it.
    ``user`` is None for the operator, and for a trial that is rolled back.
    """
    with transaction.atomic():
        with written_under(changeset), support_settled_at_the_end():
            yield
        if user is not None:
            require_publish_right(user=user, states=versions_of(changeset))


def write(*, changes: list[Change], root: Record, user: Person) -> None:
    """Write changes to a record and its parts; call it inside ``editing``.

    Raises PermissionDenied without the rights, Incomplete where a public record would lack
    something, ValidationError where a change breaks a rule or what it is about is gone.
    """
    _require_rights(changes, root, user)
    written: dict[str, int] = {}
    removed = [change for change in changes if change["what"] == "removed"]
    with kept_complete(root):
        for change in reversed(removed):
            _existing(change, root).delete()
        for change in changes:
            if change["what"] != "removed":
                _write_one(change, root, written)


def _require_rights(changes: list[Change], root: Record, user: Person) -> None:
    if not may_change(user=user, record=root):
        raise PermissionDenied
    for change in changes:
        model = model_of(change["key"])
        if not may(user=user, action=_RIGHT[change["what"]], record=model):
            raise PermissionDenied


@contextmanager
def kept_complete(root: Model) -> Iterator[None]:
    """Raise Incomplete where what is written inside leaves a public record lacking something."""
    lacked = _lacks(root)
    yield
    if new := [text for text in _lacks(root) if text not in lacked]:
        raise Incomplete(new)


def _lacks(root: Model) -> list[Lack]:
    """Return what a published record lacks of what publication asks for; nothing of a draft."""
    fresh = type(root)._default_manager.filter(pk=root.pk).first()
    if not isinstance(fresh, Publishable) or not fresh.is_published:
        return []
    return fresh.obstacles()


def _existing(change: Change, root: Model) -> Record:
    """Return what a change is about; raise ValidationError if it is gone or part of another."""
    model = model_of(change["key"])
    record = model._default_manager.filter(pk=id_of(change["key"])).first()
    if record is None:
        raise ValidationError(
            _("%(noun)s %(number)s no longer exists.")
            % {"noun": model._meta.verbose_name, "number": id_of(change["key"])}
        )
    _require_part(record, root)
    return record


def _require_part(record: Model, root: Model) -> None:
    if root_of(record) != root:
        raise ValidationError(
            _("“%(record)s” is part of another record. Open that record to edit it.")
            % {"record": record}
        )


def _write_one(change: Change, root: Model, written: dict[str, int]) -> None:
    model, number = model_of(change["key"]), id_of(change["key"])
    if change["what"] == "changed":
        record = _existing(change, root)
    else:
        # One that is brought back has the id it had; one that is new is given its own.
        record = model() if number.startswith("+") else model(pk=int(number))
    for name, (_old, new) in change["fields"].items():
        field = model._meta.get_field(name)
        setattr(record, field.attname, written.get(new, new) if field.is_relation else new)
    save_checked(record, force_insert=change["what"] == "added")
    _require_part(record, root)
    written[change["key"]] = record.pk


def save_checked(
    record: Model, *, exclude: Collection[str] = (), force_insert: bool = False
) -> None:
    """Write a record that keeps every rule; ``exclude`` are fields that are not asked.

    Raises ValidationError, with its name, where it breaks one or its place is taken.
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


def rewind(*, now: Dossier, before: Dossier) -> None:
    """Put rows back to what they were, without a version: only for what is rolled back after.

    Raises IntegrityError where something else has taken their place since.
    """
    back = compare(now, before)
    for change in reversed(back):
        if change["what"] == "removed":
            _rows(change)._raw_delete(_rows(change).db)
    for change in back:
        model = model_of(change["key"])
        values = {
            model._meta.get_field(name).attname: new
            for name, (_old, new) in change["fields"].items()
        }
        if change["what"] == "changed":
            _rows(change).update(**values)
        elif change["what"] == "added":
            model._default_manager.bulk_create([model(pk=int(id_of(change["key"])), **values)])


def _rows(change: Change) -> Any:
    return model_of(change["key"])._default_manager.filter(pk=id_of(change["key"]))
