"""Snapshots: a record with all its parts, as JSON data that can be stored and compared.

The parts of a record are the rows deleted with it: memberships, participations, entries and
their citations. A snapshot maps ``<model>-<id>`` to the fields that editors fill in. Status and
computed fields are left out.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, NotRequired, TypedDict

from django.db import models
from django.db.models import Max

from allies.models.base import Record
from allies.models.fields import DerivedFieldMixin
from allies.models.registry import foreign_keys_to, get_record_model, record_models

#: ``<model>-<id>`` → {field: value}.
Snapshot = dict[str, dict[str, Any]]


class RecordChange(TypedDict):
    """One record's difference: its key, ``what`` (added, changed, removed) and changed fields.

    ``fields`` maps a field's name to the values before and after. The key of a record that is not
    written yet ends in ``+1``, and so does a value that refers to it.
    """

    key: str
    what: NotRequired[str]
    fields: dict[str, list[Any]]


_SYSTEM_FIELDS = {"id", "status", "created_at", "updated_at", "origin"}


def content_fields(model: type[models.Model]) -> "list[models.Field[object, object]]":
    """Return the fields that editors and files fill in."""
    return [
        field
        for field in model._meta.concrete_fields
        if field.name not in _SYSTEM_FIELDS and not isinstance(field, DerivedFieldMixin)
    ]


def children_of(model: type[models.Model]) -> list[tuple[Any, Any]]:
    """Return (model, field) of the parts of a model's records, which are deleted with them."""
    return [(child, field) for child, field in foreign_keys_to(model) if is_parent_fk(field)]


def parent_fields(model: type[models.Model]) -> list[Any]:
    """Return the fields that make a model's records parts of others."""
    return [field for field in model._meta.concrete_fields if is_parent_fk(field)]


def is_parent_fk(field: Any) -> bool:
    """Return whether a row with this field is deleted with the record that the field refers to."""
    return bool(field.is_relation and field.remote_field.on_delete is models.CASCADE)


def get_root_record(record: models.Model) -> Any:
    """Return the record that this one finally belongs to; itself if it is not part of another."""
    for field in parent_fields(type(record)):
        if getattr(record, field.attname) is not None:
            return get_root_record(getattr(record, field.name))
    return record


def snapshot_key(record: Any) -> str:
    return f"{record._meta.model_name}-{record.pk}"


def model_of_key(key: str) -> Any:
    """Return the model in a snapshot's key; raise KeyError if there is none."""
    return get_record_model(key.partition("-")[0])


def id_of_key(key: str) -> str:
    return key.partition("-")[2]


def take_snapshot(record: Record, *, lock: bool = False) -> Snapshot:
    """Return the record's snapshot; one query, and one per kind of part.

    With ``lock``, nobody else can write these rows until the transaction ends.
    """
    found: Snapshot = {}

    def take(model: Any, rows: models.QuerySet[Record]) -> None:
        rows = rows.order_by("pk")
        rows = rows.select_for_update() if lock else rows
        ids = []
        for row in rows.values("pk", *(f.attname for f in content_fields(model))):
            ids.append(row["pk"])
            found[f"{model._meta.model_name}-{row['pk']}"] = row_content(model, row)
        for child, field in children_of(model) if ids else ():
            take(child, child._default_manager.filter(**{f"{field.name}__in": ids}))

    take(type(record), type(record)._default_manager.filter(pk=record.pk))
    return found


def snapshot_at(record: Record, moment: dt.datetime) -> Snapshot:
    """Return the snapshot as it was at a time; two queries, and up to three per kind of part."""
    found: Snapshot = {}

    def take(
        model: Any,
        ids: Iterable[int],
        owner: "models.Field[object, object] | None",
        owners: Iterable[int],
    ) -> None:
        history = model.history.model.objects
        last = history.filter(id__in=ids, history_date__lte=moment).values("id")
        last = last.annotate(last=Max("history_id")).order_by().values_list("last", flat=True)
        versions = history.filter(history_id__in=list(last)).exclude(history_type="-")
        if owner is not None:
            versions = versions.filter(**{f"{owner.attname}__in": owners})
        taken = []
        for row in versions.order_by("id").values(
            "id", *(f.attname for f in content_fields(model))
        ):
            taken.append(row["id"])
            found[f"{model._meta.model_name}-{row['id']}"] = row_content(model, row)
        for child, field in children_of(model) if taken else ():
            parts = {part for part, _owner in all_time_children(child, field, taken)}
            take(child, sorted(parts), field, taken)

    take(type(record), [record.pk], None, ())
    return found


def all_time_children(
    child: type[Record], field: "models.Field[object, object]", owners: Iterable[int]
) -> list[tuple[int, int]]:
    """Return (id, owner's id) of all current and former parts of these records; one query."""
    versions = child.history.model.objects.filter(**{f"{field.attname}__in": owners})
    return list(versions.values_list("id", field.attname).distinct().order_by("id", field.attname))


def row_content(model: type[models.Model], row: Mapping[str, object]) -> dict[str, object]:
    """Return a row's content as in a snapshot; ``row`` maps columns to values."""
    return {field.name: to_json_value(row[field.attname]) for field in content_fields(model)}


def to_json_value(value: object) -> object:
    """Return a value in a form that JSON can store: dates as ISO 8601."""
    return value.isoformat() if isinstance(value, dt.date) else value


def diff_snapshots(before: Snapshot, after: Snapshot) -> list[RecordChange]:
    """Return the differences, each record after those it refers to."""
    changes = []
    for model in record_models():
        prefix = f"{model._meta.model_name}-"
        keys = [key for key in {**before, **after} if key.startswith(prefix)]
        changes += [change for key in keys if (change := _difference(key, before, after))]
    return changes


def _difference(key: str, before: Snapshot, after: Snapshot) -> RecordChange | None:
    old, new = before.get(key), after.get(key)
    if old == new:
        return None
    names = [field.name for field in content_fields(model_of_key(key))]
    pairs = {
        name: [old and old.get(name), new and new.get(name)]
        for name in names
        if old is None or new is None or old.get(name) != new.get(name)
    }
    what = "added" if old is None else "removed" if new is None else "changed"
    return {"key": key, "what": what, "fields": pairs}


def with_placeholder_ids(changes: list[RecordChange]) -> list[RecordChange]:
    """Return the changes with placeholder ids for records that were only added on trial.

    Their ids are void once the trial is rolled back. ``entry-812`` becomes ``entry-+1``, and so
    does every value that refers to it.
    """
    added = [change["key"] for change in changes if change["what"] == "added"]
    renamed = {key: f"{key.partition('-')[0]}-+{n}" for n, key in enumerate(added, start=1)}

    def pointed(model: Any, name: str, value: object) -> object:
        related = model._meta.get_field(name).related_model
        return renamed.get(f"{related._meta.model_name}-{value}", value) if related else value

    return [
        {
            "key": renamed.get(change["key"], change["key"]),
            "what": change["what"],
            "fields": {
                name: [old, pointed(model_of_key(change["key"]), name, new)]
                for name, (old, new) in change["fields"].items()
            },
        }
        for change in changes
    ]
