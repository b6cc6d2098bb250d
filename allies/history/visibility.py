"""When records were written, and whether they were public at a given time, read from versions."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, Model, Q

from allies.history.snapshots import children_of, content_fields
from allies.models import (
    AllyList,
    Citation,
    Entry,
    EvidencedModel,
    Publishable,
    Record,
    SeeAlso,
    Source,
    Stance,
    Status,
    url_field,
)

#: How many records that are no longer public are examined, at most.
MAX_RECORDS = 500

#: The versions of records by id, oldest first.
_Versions = dict[int, list[dict[str, Any]]]


class VisibilityHistory:
    """Whether records of one model were public over time; at most four queries, for any number."""

    def __init__(self, model: type[Record], ids: Collection[int]) -> None:
        self.model = model
        key = url_field(model)
        status = ["status"] if issubclass(model, Publishable) else []
        self.versions = _versions(model, {"id__in": ids}, key, *status)
        self._citations: _Versions = {}
        self._about: dict[int, set[int]] = {}
        self._sources: _Versions = {}
        if issubclass(model, (EvidencedModel, AllyList)):
            self._read_citations(ids)

    def _read_citations(self, ids: Collection[int]) -> None:
        target = str(self.model._meta.model_name)
        of: dict[int, int] = {number: number for number in ids}
        if self.model is AllyList:
            target = "entry"
            entries = Entry.history.model.objects.filter(ally_list_id__in=ids)
            of = dict(entries.values_list("id", "ally_list_id").distinct())
        column = f"{target}_id"
        history = Citation.history.model.objects
        cited = history.filter(**{f"{column}__in": list(of)}).order_by().values("id")
        self._citations = _versions(Citation, {"id__in": cited}, column, "source_id", "stance")
        self._column, self._of = column, of
        for number, rows in self._citations.items():
            for row in rows:
                if row[column] in of:
                    self._about.setdefault(of[row[column]], set()).add(number)
        sources = {row["source_id"] for rows in self._citations.values() for row in rows}
        self._sources = _versions(Source, {"id__in": sources}, "status")

    def public_key(self, number: int, moment: dt.datetime, *, with_it: bool = True) -> str:
        """Return the slug or key under which a record was public at a time; "" if it was not.

        ``with_it`` says whether versions written at exactly that time count.
        """
        row = _version_at(self.versions.get(number, ()), moment, with_it)
        if row is None or row.get("status", Status.PUBLISHED) != Status.PUBLISHED:
            return ""
        needs_source = issubclass(self.model, (EvidencedModel, AllyList))
        if needs_source and not self._was_supported(number, moment, with_it):
            return ""
        return str(row[url_field(self.model)])

    def last_unpublished_at(self, number: int, since: dt.datetime) -> dt.datetime | None:
        """Return when a record that was public at ``since`` last ceased to be public.

        Return None if it was not public at that time, or is public again after its last version.
        """
        rows = [*self.versions.get(number, ())]
        for citation in self._about.get(number, ()):
            rows += self._citations[citation]
            for version in self._citations[citation]:
                rows += self._sources.get(version["source_id"], ())
        was_public, last = bool(self.public_key(number, since, with_it=False)), None
        if not was_public and not self.public_key(number, since):
            return None
        for moment in sorted({row["history_date"] for row in rows if row["history_date"] >= since}):
            is_public = bool(self.public_key(number, moment))
            if was_public and not is_public:
                last = moment
            was_public = is_public
        return None if was_public else last

    def _was_supported(self, number: int, moment: dt.datetime, with_it: bool) -> bool:
        for citation in self._about.get(number, ()):
            row = _version_at(self._citations[citation], moment, with_it)
            if row is None or row["stance"] != Stance.SUPPORTS:
                continue
            if self._of.get(row[self._column]) != number:
                continue
            source = _version_at(self._sources.get(row["source_id"], ()), moment, with_it)
            if source is not None and source["status"] == Status.PUBLISHED:
                return True
        return False


def _versions(model: type[Record], which: Mapping[str, object], *columns: str) -> _Versions:
    rows = model.history.model.objects.filter(**which).order_by("history_date", "history_id")
    found: _Versions = {}
    for row in rows.values("id", "history_id", "history_date", "history_type", *columns):
        found.setdefault(row["id"], []).append(row)
    return found


def _version_at(rows: Iterable[dict[str, Any]], moment: dt.datetime, with_it: bool) -> Any:
    """Return the version that was current at a time; None if there was none."""
    last = None
    for row in rows:
        date = row["history_date"]
        if date < moment or (with_it and date == moment):
            last = row
    return None if last is None or last["history_type"] == "-" else last


def last_modified_map(
    model: type[Model],
    window: Q | None = None,
    *,
    ids: object = None,
    public: bool = False,
) -> dict[int, dt.datetime]:
    """Return, by id, when each record of a model or a part of it was last written.

    ``window`` narrows the versions that count, ``ids`` (also a queryset) the records. With
    ``public``, versions that readers cannot see do not count: citations of sources that are not
    public, and entries that no public source supports. One query for the model, one per kind of
    part, and two per kind of part of a part.
    """
    found: dict[int, dt.datetime] = {}

    def take(model: Any, owner: str, roots: Any, wanted: object) -> None:
        versions = model.history.model.objects.order_by()
        versions = versions if wanted is None else versions.filter(**{f"{owner}__in": wanted})
        seen = versions.filter(_seen_by_readers(model, owner) if public else Q(), window or Q())
        last = seen.values_list(owner).annotate(last=Max("history_date"))
        for number, moment in last:
            root = number if roots is None else roots.get(number)
            if root is not None and (root not in found or found[root] < moment):
                found[root] = moment
        for child, field in children_of(model):
            if owner == "id":
                take(child, field.attname, None, wanted)
            else:
                # A part of a part: the versions of its owner say which record that belonged to.
                pairs = dict(versions.values_list("id", owner).distinct())
                take(child, field.attname, pairs, None if wanted is None else list(pairs))

    take(model, "id", None, ids)
    return found


def _seen_by_readers(model: type[Model], owner: str) -> Q:
    """Return a condition for versions of a part that change what readers see of its owner.

    An entry appears and disappears with the citations that support it, so those always count.
    """
    is_public = Q(source__status=Status.PUBLISHED)
    supported = Entry.objects.supported().order_by().values("pk")
    if model is Entry:
        return Q(id__in=supported)
    if model is Citation and owner == "entry_id":
        history = Citation.history.model.objects.order_by()
        supporting = history.filter(entry__isnull=False, stance=Stance.SUPPORTS)
        return is_public & (Q(entry__in=supported) | Q(id__in=supporting.values("id")))
    return is_public if model in (Citation, SeeAlso) else Q()


@dataclass(frozen=True)
class WithdrawnRecord:
    """A record that was public and no longer is: its slug or key then, and when it was withdrawn.

    ``last_public_version`` is true if nothing was written since then, so that the record still
    has the content that readers last saw.
    """

    number: int
    key: str
    created_at: dt.datetime
    moment: dt.datetime
    last_public_version: bool


def withdrawn_records(model: type[Model]) -> list[WithdrawnRecord]:
    """Return the withdrawn records of a model, the latest first.

    Examine only the MAX_RECORDS records that were marked published most recently. At most
    twelve queries (for ally lists).
    """
    if not issubclass(model, Publishable):
        return []
    history = model.history.model.objects
    public = model.objects.published().order_by().values("pk")  # type: ignore[attr-defined]
    marked = history.filter(status=Status.PUBLISHED).exclude(id__in=public).order_by()
    last = dict(
        marked.values_list("id")
        .annotate(last=Max("history_id"))
        .order_by("-last")[:MAX_RECORDS]
        .values_list("id", "last")
    )
    if not last:
        return []
    past = VisibilityHistory(model, list(last))
    found = []
    for number, published in last.items():
        after = [row for row in past.versions[number] if row["history_id"] > published]
        if not after:
            continue  # marked published but without a source: it was not withdrawn
        moment = after[0]["history_date"]
        if key := past.public_key(number, moment, with_it=False):
            found.append((number, key, moment, (published, after[0]["history_id"])))
    found.sort(key=lambda one: one[2], reverse=True)
    return _describe_withdrawn(model, found)


def _describe_withdrawn(
    model: Any, found: list[tuple[int, str, dt.datetime, tuple[int, int]]]
) -> list[WithdrawnRecord]:
    numbers = [number for number, _key, _moment, _versions in found]
    there = dict(model.objects.filter(pk__in=numbers).values_list("pk", "created_at"))
    written = last_modified_map(model, ids=numbers)
    wanted = [version for *_rest, versions in found for version in versions]
    columns = [field.attname for field in content_fields(model)]
    versions = {
        row.pop("history_id"): row
        for row in model.history.model.objects.filter(history_id__in=wanted).values(
            "history_id", "created_at", *columns
        )
    }
    return [
        WithdrawnRecord(
            number,
            key,
            versions[before]["created_at"],
            moment,
            last_public_version=number in there
            and written[number] == moment
            and versions[before] == versions[after],
        )
        for number, key, moment, (before, after) in found
    ]
