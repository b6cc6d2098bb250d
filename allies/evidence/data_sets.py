"""What the rows of a table rest on: the data sets with their licences, and what may be passed on.

Whole tables leave out the rows that rest only on data sets whose rows may not be passed on. The
rule is ``redistributable`` of the querysets. Single pages and small filtered views show all rows.
"""

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, OuterRef, Q, Subquery

from allies.models import Alliance, Entry, Event, Membership, Source, SourceKind
from allies.models.provenance import ProvenanceQuerySet, withheld_source_q
from allies.page_cache.memo import while_unchanged

#: The record types whose public records rest on sources; all other tables describe parts of them.
TABLES: tuple[Any, ...] = (Alliance, Membership, Event, Entry)

#: Maximum rows of a filtered view that has all its rows; a longer one is like a whole table.
MAX_FILTERED_ROWS = 1000


def data_sets() -> Any:
    """Return the published data sets, and sources that say whether they may be passed on."""
    is_data_set = Q(kind=SourceKind.DATASET) | Q(redistribution__isnull=False)
    return Source.objects.published().filter(is_data_set).select_related("origin")


def cited_data_sets(rows: Any) -> list[Source]:
    """Return the data sets that public rows rest on, the most cited first; one query.

    Returns [] without a query for rows that rest on no sources, such as countries.
    """
    if not isinstance(rows, ProvenanceQuerySet):
        return []
    cited = rows.evidence().filter(source=OuterRef("pk")).order_by()
    number = cited.values("source").annotate(n=Count("pk")).values("n")
    sources = data_sets().annotate(citation_count=Subquery(number))
    return list(sources.filter(citation_count__gt=0).order_by("-citation_count", "key"))


@dataclass(frozen=True)
class UsedDataSet:
    """A data set, and the names of the tables that rest on it, in the active language."""

    source: Source
    tables: list[str] = field(default_factory=list)


def used_data_sets() -> list[UsedDataSet]:
    """Return the data sets that this site rests on, by key; one query per table."""
    found: dict[int, UsedDataSet] = {}
    for model in TABLES:
        for source in cited_data_sets(model.objects.published()):
            used = found.setdefault(source.pk, UsedDataSet(source))
            used.tables.append(str(model._meta.verbose_name_plural))
    return sorted(found.values(), key=lambda used: used.source.key)


def may_withhold_rows(rows: Any) -> bool:
    """Return whether some source withholds its rows; one query until the data change."""
    if not isinstance(rows, ProvenanceQuerySet):
        return False
    return while_unchanged("withheld sources", Source.objects.filter(withheld_source_q()).exists)


def is_longer_than(rows: Any, number: int) -> bool:
    """Return whether there are more rows than this; reads no more than that."""
    return bool(rows.order_by().values("pk")[number : number + 1])
