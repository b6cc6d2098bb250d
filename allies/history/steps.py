"""The history of a record: its changes step by step, with the names of the records involved."""

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db.models import Field, Manager, Model, Q, QuerySet
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from allies.history.snapshots import (
    RecordChange,
    Snapshot,
    all_time_children,
    children_of,
    content_fields,
    diff_snapshots,
    model_of_key,
    row_content,
)
from allies.history.versions import Version, read_versions, version_columns
from allies.models import Changeset, Publishable, Record


class RecordLabels:
    """Names of the records that values refer to, read with one query per model."""

    #: Whether deleted records get the names they had.
    names_deleted = True

    def __init__(self, changes: Iterable[RecordChange]) -> None:
        wanted: dict[type[Model], set[int | None]] = {}
        for change in changes:
            model = model_of_key(change["key"])
            wanted.setdefault(model, set()).add(parse_id(change["key"].partition("-")[2]))
            for name, values in change["fields"].items():
                if related := model._meta.get_field(name).related_model:
                    wanted.setdefault(related, set()).update(map(parse_id, values))
        self._found: dict[type[Model], dict[int, Model]] = {
            model: select_related_for_labels(model).in_bulk(ids - {None})
            for model, ids in wanted.items()
        }
        self._gone: dict[type[Model], dict[int, str]] = {}
        if self.names_deleted:
            self._gone = {
                model: _names_at_deletion(model, ids)
                for model in wanted
                if (ids := wanted[model] - {None} - self._found[model].keys())
            }

    def label(self, model: Any, value: Any) -> Any:
        """Return the record with this id; None if it is deleted or not written yet."""
        return self._found.get(model, {}).get(parse_id(value) or 0)

    def _name_of_deleted(self, model: type[Model], value: object) -> str:
        name = self._gone.get(model, {}).get(parse_id(value) or 0)
        return _("%(record)s (deleted)") % {"record": name} if name else f"#{value}"

    def value_text(self, field: Any, value: object) -> str:
        """Return a field's value as text for editors and readers."""
        if value in (None, ""):
            return "–"
        if field.is_relation:
            if str(value).partition("-")[2].startswith("+"):
                return _("the new record")
            record = self.label(field.related_model, value)
            return str(record or self._name_of_deleted(field.related_model, value))
        if field.choices:
            return str(dict(field.flatchoices).get(value, value))
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        return str(value)


def _names_at_deletion(model: type[Model], ids: Iterable[int | None]) -> dict[int, str]:
    """Return, by id, the titles or keys that deleted records had; one query."""
    if not issubclass(model, Publishable):
        return {}
    deleted = model.history.model.objects.filter(id__in=ids, history_type="-").order_by()
    return {version.id: str(version.instance) for version in deleted}


def select_related_for_labels(model: type[Model]) -> QuerySet[Model] | Manager[Model]:
    """Return a model's records with the related records that their names are made from."""
    paths = [
        field.name
        for field in model._meta.concrete_fields
        if field.is_relation and field.name not in ("origin", "derived_from", "successor")
    ]
    return model._default_manager.select_related(*paths) if paths else model._default_manager


def parse_id(value: object) -> int | None:
    """Return the id in a value or at the end of a key; None if the record is not written yet."""
    text = str(value)
    return int(text) if text.isdecimal() and len(text) < 19 else None


def change_title(change: RecordChange, names: RecordLabels) -> str:
    """Return the changed record's type and name; if it has no name, what it refers to."""
    model = model_of_key(change["key"])
    record = names.label(model, change["key"].partition("-")[2])
    if record is not None:
        return f"{capfirst(str(model._meta.verbose_name))}: {record}"
    side = 0 if change["what"] == "removed" else 1
    given = [field for field in content_fields(model) if field.name in change["fields"]]
    naming = [field for field in given if field.name in ("country", "source")]
    points_to = [
        names.value_text(field, change["fields"][field.name][side])
        for field in naming or [field for field in given if field.name == "event"]
    ]
    return ": ".join([capfirst(str(model._meta.verbose_name)), *points_to])


class ShownField(TypedDict):
    """A changed field, with its values as text."""

    field: "Field[object, object]"
    name: str
    label: str
    old: str
    new: str
    chosen: NotRequired[str]


def change_fields(change: RecordChange, names: RecordLabels) -> list[ShownField]:
    """Return the changed fields: ``field``, ``name``, ``label``, ``old`` and ``new`` as text.

    Fields that are empty both before and after are left out.
    """
    model = model_of_key(change["key"])
    found: list[ShownField] = []
    for field in content_fields(model):
        old, new = change["fields"].get(field.name, (None, None))
        if old in (None, "") and new in (None, ""):
            continue
        found.append(
            {
                "field": field,
                "name": field.name,
                "label": capfirst(str(field.verbose_name)),
                "old": names.value_text(field, old),
                "new": names.value_text(field, new),
            }
        )
    return found


@dataclass
class HistoryStep:
    """Versions that were written together: by one changeset, or by one save without a changeset."""

    moment: dt.datetime
    user: AbstractUser | None
    reason: str
    changeset: Changeset | None
    #: The changes to the record and its parts. ``status`` is the record's status before and after.
    changes: list[RecordChange] = dataclasses.field(default_factory=list)
    status: tuple[str, str] = ("", "")
    #: The snapshot after it; needed only while the steps are processed.
    after: Snapshot = dataclasses.field(default_factory=dict)

    @property
    def public_note(self) -> str:
        return self.changeset.public_note if self.changeset else ""


def get_steps(record: Record) -> list[HistoryStep]:
    """Return every step in a record's history, oldest first.

    At most three queries, and two per kind of part.
    """
    return get_steps_bulk([record])[record.pk]


def get_steps_bulk(records: Sequence[Record]) -> dict[int, list[HistoryStep]]:
    """Return, by id, the steps of records of one model; as many queries as for one record."""
    groups: dict[int, dict[object, list[tuple[type[Record], Version]]]] = {
        r.pk: {} for r in records
    }
    rows = []
    for model, row, roots in sorted(_versions(records), key=_sort_by_time):
        # Without a changeset, versions with exactly the same timestamp belong together.
        group = row["changeset_id"] or row["history_date"]
        for root in roots:
            groups[root].setdefault(group, []).append((model, row))
        rows.append(row)
    changesets = Changeset.objects.in_bulk({row["changeset_id"] for row in rows} - {None})
    users = get_user_model().objects.in_bulk({row["history_user_id"] for row in rows} - {None})
    return {
        record.pk: _steps(type(record), groups[record.pk].values(), changesets, users)
        for record in records
    }


def _steps(
    noun: type[Model],
    groups: Iterable[list[tuple[type[Record], Version]]],
    changesets: Mapping[int, Changeset],
    users: Mapping[int, AbstractUser],
) -> list[HistoryStep]:
    """Return a record's steps, made from groups of versions, oldest first."""
    found: list[HistoryStep] = []
    state: Snapshot = {}
    status = ""
    for group in groups:
        _first_model, first = group[0]
        before, status_before = state, status
        state = dict(state)
        for model, row in group:
            key = f"{model._meta.model_name}-{row['id']}"
            if row["history_type"] == "-":
                state.pop(key, None)
            else:
                state[key] = row_content(model, row)
            if model is noun:
                status = row.get("status", "")
        found.append(
            HistoryStep(
                moment=group[-1][1]["history_date"],
                user=users.get(first["history_user_id"]),
                reason=first["history_change_reason"] or "",
                changeset=changesets.get(first["changeset_id"]),
                changes=diff_snapshots(before, state),
                status=(status_before, status),
                after=state,
            )
        )
    return found


def _sort_by_time(
    version: tuple[type[Record], Version, set[int]],
) -> tuple[dt.datetime, int]:
    _model, row, _roots = version
    return row["history_date"], row["history_id"]


def _versions(records: Iterable[Record]) -> Iterator[tuple[type[Record], Version, set[int]]]:
    """Yield (model, values, ids) of every version of the records and of all their parts ever.

    ``ids`` are the records that a part has ever belonged to.
    """

    def walk(
        model: type[Record], roots: dict[int, set[int]]
    ) -> Iterator[tuple[type[Record], Version, set[int]]]:
        versions = read_versions(model, Q(id__in=roots), *version_columns(model))
        for number, rows in versions.items():
            for row in rows:
                yield model, row, roots[number]
        for child, owner in children_of(model):
            parts: dict[int, set[int]] = {}
            for part, owned_by in all_time_children(child, owner, roots):
                parts.setdefault(part, set()).update(roots[owned_by])
            if parts:
                yield from walk(child, parts)

    found = list(records)
    if found:
        yield from walk(type(found[0]), {record.pk: {record.pk} for record in found})
