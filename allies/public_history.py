"""What readers saw change of a record, in plain words."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from allies.history import (
    Names,
    Step,
    fields_of,
    number_of,
    steps_of,
    title_of,
    version_columns,
)
from allies.models import (
    Changeset,
    CitedPublishable,
    Publishable,
    Source,
    Stance,
    Status,
    record_models,
)
from allies.models.dossier import (
    Change,
    Dossier,
    children_of,
    compare,
    content_of,
    key_of,
    model_of,
    owners_of,
)
from allies.models.fields import ProseField


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
    steps = steps_of(record)
    sources = _public_sources(step.after for step in steps)
    for step in steps:
        if isinstance(record, Publishable) and step.status[1] != Status.PUBLISHED:
            continue
        now = _supported(step.after, sources)
        if isinstance(record, CitedPublishable) and not _is_supported(key_of(record), now):
            continue
        shown.append((step, [] if seen is None else compare(seen, now)))
        seen = now
    names = Names(change for _step, changes in shown for change in changes)
    found = []
    for n, (step, changes) in enumerate(shown):
        sentences = public_sentences(changes, names)
        if n == 0 or sentences or (step.public_note and changes):
            found.append(PublicStep(step.moment, step.public_note, sentences, is_first=n == 0))
    return found[::-1]


def _public_sources(dossiers: Iterable[Dossier]) -> set[int]:
    """Return the ids of the public sources that these dossiers' citations name; costs a query."""
    cited = {
        content["source"]
        for dossier in dossiers
        for key, content in dossier.items()
        if key.startswith("citation-")
    }
    return set(Source.objects.published().filter(pk__in=cited).values_list("pk", flat=True))


def _supported(dossier: Dossier, sources: set[int]) -> Dossier:
    """Return what readers saw of a dossier: citations of public sources, entries they support."""
    kept = {
        key: content
        for key, content in dossier.items()
        if not key.startswith("citation-") or content["source"] in sources
    }
    hidden = {key for key in kept if key.startswith("entry-") and not _is_supported(key, kept)}
    return {
        key: content
        for key, content in kept.items()
        if key not in hidden and f"entry-{content.get('entry')}" not in hidden
    }


def _is_supported(key: str, dossier: Dossier) -> bool:
    noun, _dash, number = key.partition("-")
    return any(
        other.startswith("citation-")
        and content["stance"] == Stance.SUPPORTS
        and str(content[noun]) == number
        for other, content in dossier.items()
    )


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
    written = history.filter(changeset_id__in=changesets).order_by().values("id")
    rows = history.filter(Q(id__in=written) | Q(id__in=ids)).order_by("history_date", "history_id")
    found: _Versions = {}
    for row in rows.values(*version_columns(model)):
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
        number = number_of(change["key"].partition("-")[2])
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
