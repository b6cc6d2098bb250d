"""The public history of a record, in sentences."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Field, Model
from django.utils.translation import gettext as _

from allies.citations.redaction import CitationRedactor
from allies.history.public_rule import PublicRule
from allies.history.snapshots import (
    RecordChange,
    Snapshot,
    diff_snapshots,
    id_of_key,
    model_of_key,
    snapshot_key,
)
from allies.history.steps import (
    HistoryStep,
    RecordLabels,
    ShownField,
    change_fields,
    change_title,
    get_steps_bulk,
    parse_id,
)
from allies.models import AllyList, Publishable, Record, Source
from allies.models.fields import EDTFField, ProseField
from allies.text.bidi import isolate
from allies.text.edtf import format_start_date


@dataclass(frozen=True)
class ChangeSentence:
    """One change as a sentence; for a long text also the text before and after."""

    text: str
    old: str = ""
    new: str = ""


@dataclass(frozen=True)
class PublicHistoryStep:
    """The changes that readers saw at one time."""

    moment: dt.datetime
    note: str
    sentences: list[ChangeSentence]
    is_first: bool = False


def get_public_steps(record: Record) -> list[PublicHistoryStep]:
    """Return the public history of a record, newest first, without anything not public now.

    What happened while the record was a draft is part of the step in which it was published.
    """
    return get_public_steps_bulk([record])[record.pk]


def get_public_steps_bulk(records: Sequence[Record]) -> dict[int, list[PublicHistoryStep]]:
    """Return, by id, the public history of records of one model.

    The number of queries does not depend on the number of records.
    """
    walked = get_steps_bulk(records)
    rule = _current_rule(step.after for steps in walked.values() for step in steps)
    return _describe_states(
        {record.pk: _public_states(record, walked[record.pk], rule) for record in records}
    )


@dataclass(frozen=True)
class EntryHistory:
    """The public history of one entry of a list; ``left`` is when readers stopped seeing it."""

    ally_list: AllyList
    country: int
    steps: list[PublicHistoryStep]
    left: dt.datetime | None


def get_entry_histories(lists: Sequence[AllyList]) -> dict[int, EntryHistory]:
    """Return, by id, the public history of each entry that was ever in these lists.

    The number of queries does not depend on the number of lists.
    """
    walked = get_steps_bulk(lists)
    rule = _current_rule(step.after for steps in walked.values() for step in steps)
    shown, owners = {}, {}
    for ally_list in lists:
        whole = _public_states(ally_list, walked[ally_list.pk], rule)
        keys = {key for seen in whole for key in seen.dossier if key.startswith("entry-")}
        for key in keys:
            shown[key], owners[key] = _entry_states(whole, key), (ally_list, whole)
    told = _describe_states(shown)
    found = {}
    for key, own in shown.items():
        ally_list, whole = owners[key]
        after = [seen.step.moment for seen in whole if seen.step.moment > own[-1].step.moment]
        country = own[-1].dossier[key]["country"]
        left = after[0] if after else None
        found[int(id_of_key(key))] = EntryHistory(ally_list, country, told[key], left)
    return found


@dataclass(frozen=True)
class _PublicState:
    """A step after which a record was public: the public snapshot, and the changes in it."""

    step: HistoryStep
    dossier: Snapshot
    changes: list[RecordChange]


def _public_states(
    record: Model, steps: Iterable[HistoryStep], rule: PublicRule
) -> list[_PublicState]:
    shown: list[_PublicState] = []
    for step in steps:
        citations = _citations_about(snapshot_key(record), step.after)
        if rule.is_public(type(record), step.status[1], citations):
            now = _public_snapshot(step.after, rule)
            changes = diff_snapshots(shown[-1].dossier, now) if shown else []
            shown.append(_PublicState(step, now, changes))
    return shown


def _entry_states(whole: Iterable[_PublicState], key: str) -> list[_PublicState]:
    """Return the steps of a list in which this entry was present, reduced to the entry."""
    shown: list[_PublicState] = []
    for seen in whole:
        if key in seen.dossier:
            of_entry = {
                k: c for k, c in seen.dossier.items() if key in (k, f"entry-{c.get('entry')}")
            }
            changes = diff_snapshots(shown[-1].dossier, of_entry) if shown else []
            shown.append(_PublicState(seen.step, of_entry, changes))
    return shown


def _describe_states(shown: dict[Any, list[_PublicState]]) -> "dict[Any, list[PublicHistoryStep]]":
    """Return the steps with their changes as sentences, newest first."""
    names = PublicRecordLabels(
        change for seen in shown.values() for one in seen for change in one.changes
    )
    told = {}
    for key, seen in shown.items():
        found = []
        for n, one in enumerate(seen):
            sentences = describe_public_changes(one.changes, names)
            if n == 0 or sentences or (one.step.public_note and one.changes):
                note = one.step.public_note
                found.append(PublicHistoryStep(one.step.moment, note, sentences, is_first=n == 0))
        told[key] = found[::-1]
    return told


def _current_rule(dossiers: Iterable[Snapshot]) -> PublicRule:
    """Return the rule that counts those sources cited in these that are public now; one query."""
    cited = {
        content["source"]
        for dossier in dossiers
        for key, content in dossier.items()
        if key.startswith("citation-")
    }
    sources = Source.objects.published().filter(pk__in=cited).values_list("pk", flat=True)
    return PublicRule.with_current_sources(set(sources))


def _public_snapshot(dossier: Snapshot, rule: PublicRule) -> Snapshot:
    """Return a snapshot with only the citations of public sources and the entries they support."""
    hidden = {
        key
        for key in dossier
        if key.startswith("entry-") and not rule.is_supported(_citations_about(key, dossier))
    }
    return {
        key: content
        for key, content in dossier.items()
        if key not in hidden
        and f"entry-{content.get('entry')}" not in hidden
        and not (key.startswith("citation-") and not rule.is_source_public(content["source"]))
    }


def _citations_about(key: str, dossier: Snapshot) -> Iterator[tuple[str, int]]:
    """Yield (stance, source id) of the citations in a snapshot about one of its records."""
    noun, _dash, number = key.partition("-")
    for other, content in dossier.items():
        if other.startswith("citation-") and str(content[noun]) == number:
            yield content["stance"], content["source"]


class PublicRecordLabels(RecordLabels):
    """Names of records, whether readers may see them, and texts without hidden sources."""

    names_deleted = False

    def __init__(self, changes: Iterable[RecordChange]) -> None:
        super().__init__(changes)
        self.text = CitationRedactor()
        self._public: dict[type[Model], set[int]] = {}

    def value_text(self, field: "Field[object, object]", value: object) -> str:
        """Return a value as text. Dates are written out, because readers do not know EDTF."""
        if isinstance(field, EDTFField) and value:
            return format_start_date(str(value))
        return super().value_text(field, value)

    def is_public(self, model: Any, value: object) -> bool:
        """Return whether readers may see the record with this id; one query per model."""
        if model not in self._public:
            shown = model.objects.published().filter(pk__in=self._found.get(model, {}))
            self._public[model] = set(shown.order_by().values_list("pk", flat=True))
        return parse_id(value) in self._public[model]


def describe_public_changes(
    changes: list[RecordChange], names: PublicRecordLabels
) -> list[ChangeSentence]:
    """Return sentences about the changes that concern public records; leave out the others."""
    public = [kept for change in changes if (kept := _public_change(change, names))]
    return [one for change in public for one in describe_change(change, names)]


#: Fields without which a part says nothing: a citation of a source, the key event of an entry.
_NEEDED = ("source", "event")


def _public_change(change: RecordChange, names: PublicRecordLabels) -> RecordChange | None:
    """Return the part of a change that readers may see; None if it concerns a hidden record."""
    model = model_of_key(change["key"])
    kept = {}
    for name, values in change["fields"].items():
        related = model._meta.get_field(name).related_model
        if related is not None and issubclass(related, Publishable):
            hidden = [value for value in values if value and not names.is_public(related, value)]
            if hidden and name in _NEEDED:
                return None
            if hidden:
                continue
        kept[name] = values
    return {**change, "fields": kept} if kept else None


def describe_change(change: RecordChange, names: PublicRecordLabels) -> list[ChangeSentence]:
    """Return a change as sentences."""
    title = isolate(change_title(change, names))
    is_citation = change["key"].startswith("citation-")
    if change["what"] == "added":
        said = _("Source added: %(what)s") if is_citation else _("Added: %(what)s")
        return [
            ChangeSentence(
                said % {"what": _citation_sentence(change, names, 1) if is_citation else title}
            )
        ]
    if change["what"] == "removed":
        said = _("Source removed: %(what)s") if is_citation else _("Removed: %(what)s")
        return [
            ChangeSentence(
                said % {"what": _citation_sentence(change, names, 0) if is_citation else title}
            )
        ]
    return [_field_sentence(shown, title, names) for shown in change_fields(change, names)]


def _citation_sentence(change: RecordChange, names: PublicRecordLabels, side: int) -> str:
    values = {name: pair[side] for name, pair in change["fields"].items()}
    model = model_of_key(change["key"])
    source = names.value_text(model._meta.get_field("source"), values.get("source"))
    stance = names.value_text(model._meta.get_field("stance"), values.get("stance"))
    return f"{isolate(source)} ({stance})"


def _field_sentence(shown: ShownField, title: str, names: PublicRecordLabels) -> ChangeSentence:
    old, new = isolate(shown["old"]), isolate(shown["new"])
    named = {"field": shown["label"], "record": title, "old": old, "new": new}
    if isinstance(shown["field"], ProseField):
        return ChangeSentence(
            _("%(record)s. %(field)s changed") % named,
            names.text(shown["old"]),
            names.text(shown["new"]),
        )
    if shown["old"] == "–":
        return ChangeSentence(_("%(record)s. %(field)s: %(new)s added") % named)
    if shown["new"] == "–":
        return ChangeSentence(_("%(record)s. %(field)s: %(old)s removed") % named)
    return ChangeSentence(_("%(record)s. %(field)s corrected from %(old)s to %(new)s") % named)
