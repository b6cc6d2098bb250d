"""When records were written, and whether they were public at a given time, read from versions."""

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db.models import Max, Model, Q

from allies.history.public_rule import (
    STATUS_RULE,
    SUPPORTED_MODELS,
    PublicRule,
    published_q,
    visible_versions_q,
)
from allies.history.snapshots import children_of, content_fields
from allies.history.versions import (
    Version,
    VersionsById,
    read_versions,
    status_columns,
    version_at,
)
from allies.models import (
    AllyList,
    Citation,
    Entry,
    Publishable,
    Record,
    Source,
    url_field,
)

#: How many records that are no longer public are examined, at most.
MAX_RECORDS = 500


class VisibilityHistory:
    """The public periods of one model's records, and the slugs or keys in these periods."""

    def __init__(
        self,
        model: type[Record],
        versions: VersionsById,
        evidence: "_EvidenceHistory | None" = None,
    ) -> None:
        """Use versions that were already read. Without evidence, only the status counts."""
        self.model = model
        self.versions = versions
        self._evidence = evidence

    @classmethod
    def read(cls, model: type[Record], ids: Collection[int]) -> "VisibilityHistory":
        """Read the versions that decide whether these records were public.

        One query for countries and sources, three for alliances and events, four for ally lists.
        """
        columns = (url_field(model), *status_columns(model))
        versions = read_versions(model, Q(id__in=ids), *columns)
        has_evidence = issubclass(model, SUPPORTED_MODELS)
        return cls(model, versions, _EvidenceHistory(model, ids) if has_evidence else None)

    def is_public(self, number: int, moment: dt.datetime, *, with_it: bool = True) -> bool:
        """Return whether a record was public at a time.

        ``with_it`` says whether versions written at exactly that time count.
        """
        return self._public_version(number, moment, with_it) is not None

    def public_key(self, number: int, moment: dt.datetime, *, with_it: bool = True) -> str:
        """Return the slug or key under which a record was public at a time; "" if it was not."""
        row = self._public_version(number, moment, with_it)
        return "" if row is None else str(row[url_field(self.model)])

    def last_unpublished_at(self, number: int, since: dt.datetime) -> dt.datetime | None:
        """Return when a record that was public at ``since`` last ceased to be public.

        A record that was public just before ``since`` counts too. Return None if it was not public,
        or if it is public after the last version.
        """
        rows = [*self.versions.get(number, ())]
        if self._evidence is not None:
            rows += self._evidence.versions_about(number)
        was_public, last = self.is_public(number, since, with_it=False), None
        if not was_public and not self.is_public(number, since):
            return None
        for moment in sorted({row["history_date"] for row in rows if row["history_date"] >= since}):
            is_public = self.is_public(number, moment)
            if was_public and not is_public:
                last = moment
            was_public = is_public
        return None if was_public else last

    def _public_version(self, number: int, moment: dt.datetime, with_it: bool) -> Version | None:
        row = version_at(self.versions.get(number, ()), moment, with_it=with_it)
        if row is None:
            return None
        status = row.get("status", "")
        if self._evidence is None:
            return row if STATUS_RULE.is_public(self.model, status, ()) else None
        rule = PublicRule(partial(self._evidence.is_published_at, moment, with_it))
        citations = self._evidence.citations_at(number, moment, with_it)
        return row if rule.is_public(self.model, status, citations) else None


class _EvidenceHistory:
    """The versions of all citations of one model's records, and of the cited sources."""

    def __init__(self, model: type[Record], ids: Collection[int]) -> None:
        """Read the citations and the sources: two queries, or three for ally lists."""
        target = str(model._meta.model_name)
        owners: dict[int, int] = {number: number for number in ids}
        if model is AllyList:
            target = "entry"
            entries = Entry.history.model.objects.filter(ally_list_id__in=ids)
            owners = dict(entries.values_list("id", "ally_list_id").distinct())
        self._column, self._owners = f"{target}_id", owners
        about = Citation.history.model.objects.filter(**{f"{self._column}__in": list(owners)})
        self._citations = read_versions(
            Citation,
            Q(id__in=about.order_by().values("id")),
            *(self._column, "source_id", "stance"),
        )
        self._about: dict[int, set[int]] = {}
        for number, rows in self._citations.items():
            for row in rows:
                if row[self._column] in owners:
                    self._about.setdefault(owners[row[self._column]], set()).add(number)
        sources = {row["source_id"] for rows in self._citations.values() for row in rows}
        self._sources = read_versions(Source, Q(id__in=sources), "status")

    def versions_about(self, number: int) -> list[Version]:
        """Return all versions of a record's citations and of the cited sources."""
        cited = [row for one in self._about.get(number, ()) for row in self._citations[one]]
        sources = {row["source_id"] for row in cited}
        return [*cited, *(row for one in sources for row in self._sources.get(one, ()))]

    def citations_at(
        self, number: int, moment: dt.datetime, with_it: bool
    ) -> Iterator[tuple[str, int]]:
        """Yield (stance, source id) of the citations that a record had at a time."""
        for one in self._about.get(number, ()):
            row = version_at(self._citations[one], moment, with_it=with_it)
            if row is not None and self._owners.get(row[self._column]) == number:
                yield row["stance"], row["source_id"]

    def is_published_at(self, moment: dt.datetime, with_it: bool, source: int) -> bool:
        row = version_at(self._sources.get(source, ()), moment, with_it=with_it)
        return row is not None and STATUS_RULE.is_public(Source, row["status"], ())


def last_modified_map(
    model: type[Model],
    window: Q | None = None,
    *,
    ids: object = None,
    public: bool = False,
) -> dict[int, dt.datetime]:
    """Return id → time at which the record or one of its parts was last written.

    ``window`` narrows the versions that count, ``ids`` (also a queryset) the records. With
    ``public``, versions that readers cannot see do not count: citations of sources that are not
    public, and entries that no public source supports. One query for the model, one per kind of
    part, and two per kind of part of a part.
    """
    found: dict[int, dt.datetime] = {}

    def take(model: Any, owner: str, roots: Any, wanted: object) -> None:
        versions = model.history.model.objects.order_by()
        versions = versions if wanted is None else versions.filter(**{f"{owner}__in": wanted})
        seen = versions.filter(visible_versions_q(model, owner) if public else Q(), window or Q())
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


@dataclass(frozen=True)
class WithdrawnRecord:
    """A record that is no longer public.

    ``key`` is the slug or key it was public under, ``moment`` the time of the withdrawal.
    ``last_public_version`` is true if the record still exists, was not written after ``moment``,
    and has the content that readers last saw.
    """

    number: int
    key: str
    created_at: dt.datetime
    moment: dt.datetime
    last_public_version: bool


def withdrawn_records(model: type[Model], condition: Q | None = None) -> list[WithdrawnRecord]:
    """Return the withdrawn records of a model, the latest first.

    ``condition`` narrows the published versions. Examine only the MAX_RECORDS records that were
    marked published most recently. At most twelve queries (for ally lists).
    """
    if not issubclass(model, Publishable):
        return []
    history = model.history.model.objects
    public = model.objects.published().order_by().values("pk")  # type: ignore[attr-defined]
    marked = history.filter(published_q(model), condition or Q())
    marked = marked.exclude(id__in=public).order_by()
    last = dict(
        marked.values_list("id")
        .annotate(last=Max("history_id"))
        .order_by("-last")[:MAX_RECORDS]
        .values_list("id", "last")
    )
    if not last:
        return []
    past = VisibilityHistory.read(model, list(last))
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
