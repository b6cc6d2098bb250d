"""What happened to a record: its changes step by step, in words a reader knows."""

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from allies.models import Changeset, Publishable, Status, record_models
from allies.models.dossier import (
    Change,
    Dossier,
    children_of,
    compare,
    content_fields,
    content_of,
    ever_part,
    model_of,
    owners_of,
)
from allies.models.fields import ProseField


class Names:
    """Names of the records that values point to, read a model at a time."""

    def __init__(self, changes: Iterable[Change]) -> None:
        wanted: dict[Any, set[Any]] = {}
        for change in changes:
            model = model_of(change["key"])
            wanted.setdefault(model, set()).add(_number(change["key"].partition("-")[2]))
            for name, values in change["fields"].items():
                if related := model._meta.get_field(name).related_model:
                    wanted.setdefault(related, set()).update(map(_number, values))
        self._found: dict[Any, dict[int, Any]] = {
            model: _with_what_names_need(model).in_bulk(ids - {None})
            for model, ids in wanted.items()
        }

    def record(self, model: Any, value: Any) -> Any:
        """Return the record an id stands for; None where it is gone or not written yet."""
        return self._found.get(model, {}).get(_number(value) or 0)

    def value(self, field: Any, value: Any) -> str:
        """Return a field's value as an editor or a reader knows it."""
        if value in (None, ""):
            return "–"
        if field.is_relation:
            if str(value).partition("-")[2].startswith("+"):
                return _("the new one")
            return str(self.record(field.related_model, value) or f"#{value}")
        if field.choices:
            return str(dict(field.flatchoices).get(value, value))
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        return str(value)


def _with_what_names_need(model: Any) -> Any:
    """Return a model's records with what their texts are made from."""
    paths = [
        field.name
        for field in model._meta.concrete_fields
        if field.is_relation and field.name not in ("origin", "derived_from", "successor")
    ]
    return model._default_manager.select_related(*paths) if paths else model._default_manager


def _number(value: Any) -> int | None:
    text = str(value)
    return int(text) if text.isdecimal() and len(text) < 19 else None


def title_of(change: Change, names: Names) -> str:
    """Return what a change is about: the record's name, or its noun and what it points to."""
    model = model_of(change["key"])
    record = names.record(model, change["key"].partition("-")[2])
    if record is not None:
        return f"{capfirst(str(model._meta.verbose_name))}: {record}"
    side = 0 if change["what"] == "removed" else 1
    points_to = [
        names.value(field, change["fields"][field.name][side])
        for field in content_fields(model)
        if field.name in change["fields"] and field.name in ("country", "source")
    ]
    return ": ".join([capfirst(str(model._meta.verbose_name)), *points_to])


def fields_of(change: Change, names: Names) -> list[dict[str, Any]]:
    """Return the fields a change is about: ``field``, ``name``, ``old`` and ``new`` as shown.

    Of a record that is new or gone, those that are empty are left out.
    """
    model = model_of(change["key"])
    found = []
    for field in content_fields(model):
        old, new = change["fields"].get(field.name, (None, None))
        if old in (None, "") and new in (None, ""):
            continue
        found.append(
            {
                "field": field,
                "name": field.name,
                "label": capfirst(str(field.verbose_name)),
                "old": names.value(field, old),
                "new": names.value(field, new),
            }
        )
    return found


@dataclass
class Step:
    """What was written together: one changeset, or one save without one."""

    moment: dt.datetime
    user: Any
    reason: str
    changeset: Any
    #: What it changed of the record and its parts, and the record's status before and after.
    changes: list[Change] = dataclasses.field(default_factory=list)
    status: tuple[str, str] = ("", "")
    #: The dossier after it; kept only while steps are walked.
    after: Dossier = dataclasses.field(default_factory=dict)

    @property
    def public_note(self) -> str:
        return self.changeset.public_note if self.changeset else ""


def steps_of(record: Any) -> list[Step]:
    """Return every step in a record's history, oldest first; costs three queries a kind of part."""
    groups: dict[Any, list[tuple[Any, dict[str, Any]]]] = {}
    for model, row in sorted(_versions(record), key=_in_time):
        # Without a changeset, what was written at the very same moment belongs together.
        group = row["changeset_id"] or row["history_date"]
        groups.setdefault(group, []).append((model, row))
    rows = [row for group in groups.values() for _model, row in group]
    changesets = Changeset.objects.in_bulk({row["changeset_id"] for row in rows} - {None})
    users = get_user_model().objects.in_bulk({row["history_user_id"] for row in rows} - {None})
    found: list[Step] = []
    state: Dossier = {}
    status = ""
    for group in groups.values():
        _first_model, first = group[0]
        before, status_before = state, status
        state = dict(state)
        for model, row in group:
            key = f"{model._meta.model_name}-{row['id']}"
            if row["history_type"] == "-":
                state.pop(key, None)
            else:
                state[key] = content_of(model, row)
            if model is type(record):
                status = row.get("status", "")
        found.append(
            Step(
                moment=group[-1][1]["history_date"],
                user=users.get(first["history_user_id"]),
                reason=first["history_change_reason"] or "",
                changeset=changesets.get(first["changeset_id"]),
                changes=compare(before, state),
                status=(status_before, status),
                after=state,
            )
        )
    return found


def _in_time(version: tuple[Any, dict[str, Any]]) -> Any:
    _model, row = version
    return row["history_date"], row["history_id"]


_OF_VERSION = (
    *("id", "history_id", "history_date", "history_type"),
    *("history_user_id", "history_change_reason", "changeset_id"),
)


def _versions(record: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield (model, values) of every version of the record and of all that was ever part of it."""

    def walk(model: Any, ids: list[int]) -> Iterator[tuple[Any, dict[str, Any]]]:
        columns = [f.attname for f in content_fields(model)]
        if issubclass(model, Publishable):
            columns.append("status")
        versions = model.history.model.objects.filter(id__in=ids).order_by("history_id")
        for row in versions.values(*_OF_VERSION, *columns):
            yield model, row
        for child, owner in children_of(model):
            if part_ids := ever_part(child, owner, ids):
                yield from walk(child, part_ids)

    yield from walk(type(record), [record.pk])


# What readers see of it.


@dataclass(frozen=True)
class Sentence:
    """One thing that changed, in plain words; a long text with what it was and is."""

    text: str
    old: str = ""
    new: str = ""


@dataclass(frozen=True)
class PublicStep:
    """What readers saw change at one moment."""

    moment: dt.datetime
    note: str
    sentences: list[Sentence]
    is_first: bool = False


def public_steps(record: Any) -> list[PublicStep]:
    """Return what readers saw change, newest first; nothing of what is not public now.

    What happened while the record was a draft shows in the step in which it was published.
    """
    shown: list[tuple[Step, list[Change]]] = []
    seen: Dossier | None = None
    for step in steps_of(record):
        if isinstance(record, Publishable) and step.status[1] != Status.PUBLISHED:
            continue
        shown.append((step, [] if seen is None else compare(seen, step.after)))
        seen = step.after
    names = Names(change for _step, changes in shown for change in changes)
    found = []
    for n, (step, changes) in enumerate(shown):
        sentences = public_sentences(changes, names)
        if n == 0 or sentences or (step.public_note and changes):
            found.append(PublicStep(step.moment, step.public_note, sentences, is_first=n == 0))
    return found[::-1]


def public_sentences(changes: list[Change], names: Names) -> list[Sentence]:
    """Return in plain words what of these changes is about what is public now."""
    public = [kept for change in changes if (kept := _public_part(change, names))]
    return [one for change in public for one in sentences_of(change, names)]


def public_changes(pairs: Iterable[tuple[Any, Changeset]]) -> dict[int, list[Sentence]]:
    """Return, by changeset, what readers saw change of the record it is told of.

    That is nothing where the record was not public before and after, nothing of what is not
    public now, and nothing of what belongs to another record. Costs the same queries for one
    changeset as for many: one a model for the versions, one a model for what is public, and those
    of ``Names``.
    """
    pairs = list(pairs)
    versions = _versions_around(pairs)
    told = {changeset.pk: _written(record, changeset, versions) for record, changeset in pairs}
    names = Names(change for changes in told.values() for change in changes)
    hidden = _hidden_parts(change for changes in told.values() for change in changes)
    return {
        number: public_sentences([c for c in changes if c["key"] not in hidden], names)
        for number, changes in told.items()
    }


#: A model's record → its versions, oldest first.
_Versions = dict[int, list[dict[str, Any]]]


def _versions_around(pairs: list[tuple[Any, Changeset]]) -> dict[Any, _Versions]:
    """Return, by model, the versions of all these changesets wrote and of what it is part of."""
    numbers = [changeset.pk for _record, changeset in pairs]
    needed: dict[Any, set[int]] = {}
    for record, _changeset in pairs:
        needed.setdefault(type(record), set()).add(record.pk)
    found = {}
    # What is part of something stands after it: seen the other way, owners are known in time.
    for model in reversed(record_models()):
        found[model] = _around(model, numbers, sorted(needed.get(model, ())))
        for owner in owners_of(model):
            ids = {row[owner.attname] for rows in found[model].values() for row in rows}
            needed.setdefault(owner.related_model, set()).update(ids - {None})
    return found


def _around(model: Any, changesets: list[int], ids: list[int]) -> _Versions:
    """Return every version of what these changesets wrote, and of these records."""
    history = model.history.model.objects
    columns = [f.attname for f in content_fields(model)]
    if issubclass(model, Publishable):
        columns.append("status")
    written = history.filter(changeset_id__in=changesets).order_by().values("id")
    rows = history.filter(Q(id__in=written) | Q(id__in=ids)).order_by("history_date", "history_id")
    found: _Versions = {}
    for row in rows.values(*_OF_VERSION, *columns):
        found.setdefault(row["id"], []).append(row)
    return found


def _written(record: Any, changeset: Changeset, versions: dict[Any, _Versions]) -> list[Change]:
    """Return what a changeset changed of a record that was public all the while."""
    before: Dossier = {}
    after: Dossier = {}
    for model, records in versions.items():
        for number, rows in records.items():
            mine = [n for n, row in enumerate(rows) if row["changeset_id"] == changeset.pk]
            if not mine:
                continue
            key = f"{model._meta.model_name}-{number}"
            old = rows[mine[0] - 1] if mine[0] else None
            for side, row in ((before, old), (after, rows[mine[-1]])):
                if row is not None and row["history_type"] != "-":
                    side[key] = content_of(model, row)
    if isinstance(record, Publishable) and not _was_public(record, changeset, versions):
        return []
    mine_too = _own_keys(record, before, after, versions)
    return [change for change in compare(before, after) if change["key"] in mine_too]


def _was_public(record: Any, changeset: Changeset, versions: dict[Any, _Versions]) -> bool:
    """Say whether a record was public before the first and after the last of a changeset."""
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
    own = versions[type(record)].get(record.pk, [])
    earlier = [
        row for row in own if row["history_date"] < first and row["changeset_id"] != changeset.pk
    ]
    until = [row for row in own if row["history_date"] <= last]
    return all(
        rows and rows[-1]["history_type"] != "-" and rows[-1]["status"] == Status.PUBLISHED
        for rows in (earlier, until)
    )


def _own_keys(
    record: Any, before: Dossier, after: Dossier, versions: dict[Any, _Versions]
) -> set[str]:
    """Return the keys of the record and of what is part of it, before or after."""
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


def _hidden_parts(changes: Iterable[Change]) -> set[str]:
    """Return the keys of what is there and not public now: entries without a source, drafts."""
    wanted: dict[Any, set[int]] = {}
    for change in changes:
        number = _number(change["key"].partition("-")[2])
        if number is not None:
            wanted.setdefault(model_of(change["key"]), set()).add(number)
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


def _public_part(change: Change, names: Names) -> Change | None:
    """Return what of a change readers may see; None where it is about what is not public."""
    model = model_of(change["key"])
    kept = {}
    for name, values in change["fields"].items():
        related = model._meta.get_field(name).related_model
        if related is not None and issubclass(related, Publishable):
            hidden = [value for value in values if value and not _is_public(names, related, value)]
            if hidden and name == "source":
                return None
            if hidden:
                continue
        kept[name] = values
    return {**change, "fields": kept} if kept else None


def _is_public(names: Names, model: Any, value: Any) -> bool:
    record = names.record(model, value)
    return record is not None and record.is_published


def sentences_of(change: Change, names: Names) -> list[Sentence]:
    """Return a change in plain words."""
    title = title_of(change, names)
    is_citation = change["key"].startswith("citation-")
    if change["what"] == "added":
        said = _("Source added: %(what)s") if is_citation else _("Added: %(what)s")
        return [Sentence(said % {"what": _cited(change, names, 1) if is_citation else title})]
    if change["what"] == "removed":
        said = _("Source removed: %(what)s") if is_citation else _("Removed: %(what)s")
        return [Sentence(said % {"what": _cited(change, names, 0) if is_citation else title})]
    return [_field_sentence(shown, title) for shown in fields_of(change, names)]


def _cited(change: Change, names: Names, side: int) -> str:
    values = {name: pair[side] for name, pair in change["fields"].items()}
    model = model_of(change["key"])
    source = names.value(model._meta.get_field("source"), values.get("source"))
    stance = names.value(model._meta.get_field("stance"), values.get("stance"))
    return f"{source} ({stance})"


def _field_sentence(shown: dict[str, Any], title: str) -> Sentence:
    named = {"field": shown["label"], "record": title, "old": shown["old"], "new": shown["new"]}
    if isinstance(shown["field"], ProseField):
        return Sentence(_("%(record)s. %(field)s changed") % named, shown["old"], shown["new"])
    if shown["old"] == "–":
        return Sentence(_("%(record)s. %(field)s: %(new)s added") % named)
    if shown["new"] == "–":
        return Sentence(_("%(record)s. %(field)s: %(old)s removed") % named)
    return Sentence(_("%(record)s. %(field)s corrected from %(old)s to %(new)s") % named)
