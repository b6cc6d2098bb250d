"""What changesets changed for readers, and the changes in the public log of corrections."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Model, Q

from allies.history.public_steps import ChangeSentence, PublicRecordLabels, describe_public_changes
from allies.history.snapshots import (
    RecordChange,
    Snapshot,
    children_of,
    diff_snapshots,
    model_of_key,
    parent_fields,
    row_content,
)
from allies.history.steps import parse_id
from allies.history.versions import VersionsById, read_versions, version_columns
from allies.history.visibility import VisibilityHistory
from allies.models import Changeset, Publishable, Record, prefetch_records, record_models


def corrections_with_changes(corrections: Iterable[Any]) -> list[tuple[Any, list[ChangeSentence]]]:
    """Return each correction, with its record loaded, and the public changes made because of it.

    Corrections of records that no longer exist are left out. The number of queries does not depend
    on the number of corrections.
    """
    corrections = list(corrections)
    prefetch_records(corrections)
    by_pk = {one.pk: one for one in corrections}
    changesets = Changeset.objects.not_undone().filter(correction__in=by_pk)
    pairs = [
        (by_pk[changeset.correction_id].record, changeset)
        for changeset in changesets.order_by("applied_at", "pk")
    ]
    changed = get_public_changes(pairs)
    found: dict[object, list[ChangeSentence]] = {}
    for _record, changeset in pairs:
        found.setdefault(changeset.correction_id, []).extend(changed[changeset.pk])
    return [(one, found.get(one.pk, [])) for one in corrections if one.record is not None]


def get_public_changes(pairs: Iterable[tuple[Any, Changeset]]) -> dict[int, list[ChangeSentence]]:
    """Return changeset id → the changes to the record paired with it that readers could see.

    The list is empty if the record was not public before the changeset or after it. Parts that are
    not public now, and changes to other records, are left out. The number of queries does not
    depend on the number of changesets: one per model for the versions, two per model for hidden
    parts, and those of ``PublicRecordLabels``.
    """
    pairs = list(pairs)
    versions = _versions_around(pairs)
    told = {changeset.pk: _changed_by(record, changeset, versions) for record, changeset in pairs}
    names = PublicRecordLabels(change for changes in told.values() for change in changes)
    hidden = _hidden_parts(change for changes in told.values() for change in changes)
    return {
        number: describe_public_changes([c for c in changes if c["key"] not in hidden], names)
        for number, changes in told.items()
    }


def _versions_around(pairs: list[tuple[Record, Changeset]]) -> dict[type[Record], VersionsById]:
    """Return, by model, all versions of the records that the changesets concern.

    These are the records that changesets wrote, the paired ones, and all their parents.
    """
    numbers = [changeset.pk for _record, changeset in pairs]
    needed: dict[type[Record], set[int]] = {}
    for record, _changeset in pairs:
        needed.setdefault(type(record), set()).add(record.pk)
    found = {}
    # In reversed order, parts come before their parents, so that all parents are known in time.
    for model in reversed(record_models()):
        found[model] = _versions_of_records(model, numbers, sorted(needed.get(model, ())))
        for owner in parent_fields(model):
            ids = {row[owner.attname] for rows in found[model].values() for row in rows}
            needed.setdefault(owner.related_model, set()).update(ids - {None})
    return found


def _versions_of_records(
    model: type[Record], changesets: list[int], ids: list[int]
) -> VersionsById:
    """Return every version of the records that these changesets wrote or that have these ids."""
    own = model.history.model.objects.filter(changeset_id__in=changesets)
    which = Q(id__in=own.order_by().values("id")) | Q(id__in=ids)
    return read_versions(model, which, *version_columns(model))


def _changed_by(
    record: Model, changeset: Changeset, versions: dict[Any, VersionsById]
) -> list[RecordChange]:
    """Return a changeset's changes to a record; [] if it was not public before and after."""
    before: Snapshot = {}
    after: Snapshot = {}
    for model, records in versions.items():
        for number, rows in records.items():
            mine = [n for n, row in enumerate(rows) if row["changeset_id"] == changeset.pk]
            if not mine:
                continue
            key = f"{model._meta.model_name}-{number}"
            old = rows[mine[0] - 1] if mine[0] else None
            for side, row in ((before, old), (after, rows[mine[-1]])):
                if row is not None and row["history_type"] != "-":
                    side[key] = row_content(model, row)
    if isinstance(record, Publishable) and not _was_public(record, changeset, versions):
        return []
    mine_too = _own_keys(record, before, after, versions)
    return [change for change in diff_snapshots(before, after) if change["key"] in mine_too]


def _was_public(
    record: Record, changeset: Changeset, versions: Mapping[type[Record], VersionsById]
) -> bool:
    """Return whether a record was published before a changeset's first write and after its last.

    Evidence does not count, only the status.
    """
    moments = [
        row["history_date"]
        for records in versions.values()
        for rows in records.values()
        for row in rows
        if row["changeset_id"] == changeset.pk
    ]
    if not moments:
        return False
    first, last = min(moments), max(moments)
    past = VisibilityHistory(type(record), versions[type(record)])
    return past.is_public(record.pk, first, with_it=False) and past.is_public(record.pk, last)


def _own_keys(
    record: Model, before: Snapshot, after: Snapshot, versions: dict[Any, VersionsById]
) -> set[str]:
    """Return the keys of the record and of its parts that are in either snapshot."""
    found = {f"{record._meta.model_name}-{record.pk}"}

    def take(model: Any, ids: set[int]) -> None:
        for child, field in children_of(model):
            parts = {
                number
                for number, rows in versions[child].items()
                if any(row[field.attname] in ids for row in rows)
            }
            if parts:
                found.update(f"{child._meta.model_name}-{number}" for number in parts)
                take(child, parts)

    take(type(record), {record.pk})
    return found & (before.keys() | after.keys())


def _hidden_parts(changes: Iterable[RecordChange]) -> set[str]:
    """Return the keys of existing records that are not public: drafts, entries without a source."""
    wanted: dict[type[Record], set[int]] = {}
    for change in changes:
        number = parse_id(change["key"].partition("-")[2])
        if number is not None:
            wanted.setdefault(model_of_key(change["key"]), set()).add(number)
    found = set()
    for model in record_models():
        ids = wanted.get(model, set())
        if not ids:
            continue
        there = set(model._default_manager.filter(pk__in=ids).values_list("pk", flat=True))
        public = model._default_manager.published().filter(pk__in=ids)  # type: ignore[attr-defined]
        shown = set(public.order_by().values_list("pk", flat=True))
        found |= {f"{model._meta.model_name}-{number}" for number in there - shown}
    return found
