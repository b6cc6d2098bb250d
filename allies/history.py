"""What happened to a record: its changes step by step, in words a reader knows."""

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from allies.models import Changeset, Publishable, Status
from allies.models.dossier import (
    Change,
    Dossier,
    children_of,
    compare,
    content_fields,
    content_of,
    ever_part,
    model_of,
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
        public = [kept for change in changes if (kept := _public_part(change, names))]
        sentences = [one for change in public for one in sentences_of(change, names)]
        if n == 0 or sentences or (step.public_note and changes):
            found.append(PublicStep(step.moment, step.public_note, sentences, is_first=n == 0))
    return found[::-1]


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
