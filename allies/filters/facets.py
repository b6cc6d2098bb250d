"""Facets: how many rows each choice of a filter would leave if the other filters did not change.

If a filter is not in use and its choices are values of a row (``PublicFilterSet.grouping``), its
facet is counted together with everything else over the rows found (``aggregates``). Any other
facet costs one query, for any number of choices. A method ``count_<name>`` of the filterset is
used if it returns counts. Otherwise, a filter in use is counted over the rows that the other
filters leave. All others are counted choice by choice, in one statement.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import django_filters
from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Aggregate, Count, Model, QuerySet
from django.http import QueryDict
from django.utils.choices import flatten_choices

from allies.filters.aggregates import Aggregates, GroupBy, aggregate
from allies.filters.base import PublicFilterSet

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: Choices that are always shown; the others are collapsed.
MAX_SHOWN = 6


@dataclass(frozen=True)
class Choice:
    """A choice with its number of rows; ``query`` selects it or, if it is active, removes it."""

    value: str
    label: "StrOrPromise"
    count: int
    query: str
    is_active: bool


@dataclass(frozen=True)
class Facet:
    """The choices of a filter that leave any rows, those with most rows first."""

    name: str
    label: Any
    choices: list[Choice]

    @property
    def shown(self) -> list[Choice]:
        active = [choice for choice in self.choices[MAX_SHOWN:] if choice.is_active]
        return [*self.choices[:MAX_SHOWN], *active]

    @property
    def extra_choices(self) -> list[Choice]:
        return [choice for choice in self.choices[MAX_SHOWN:] if not choice.is_active]


def _groups(filterset: PublicFilterSet) -> dict[str, GroupBy]:
    """Return the groupings for the facets that are counted over the rows found."""
    return {
        name: grouping
        for name in _names(filterset)
        if name not in filterset.applied_values and (grouping := filterset.grouping(name))
    }


def aggregate_filterset(
    filterset: PublicFilterSet, groups: Mapping[str, GroupBy], **spans: Aggregate
) -> Aggregates:
    """Return the aggregates of a valid filterset, including all facets.

    ``groups`` are counted too. One query, and one per facet that needs its own.
    """
    sums = aggregate(filterset.qs, {**_groups(filterset), **groups}, **spans)
    apart = {n: _counts(filterset, n) for n in _names(filterset) if n not in sums.counts}
    return sums._replace(counts={**sums.counts, **apart})


def build_facets(filterset: PublicFilterSet, sums: Aggregates) -> list[Facet]:
    """Return the facets of a valid filterset from its aggregates."""
    facets = []
    for name in _names(filterset):
        counts = sums.counts[name]
        asked = filterset.applied_values.get(name)
        labels = {str(value): label for value, label in _choices(filterset, name) if value}
        choices = [
            Choice(value, label, count, _query(filterset, name, value), value == asked)
            for value, label in labels.items()
            if (count := counts.get(value, 0)) or value == asked
        ]
        if choices:
            choices.sort(key=lambda choice: -choice.count)
            facets.append(Facet(name, filterset.form.fields[name].label, choices))
    return facets


def _names(filterset: PublicFilterSet) -> Iterator[str]:
    for name, field in filterset.filters.items():
        is_choice = isinstance(field, django_filters.ChoiceFilter)
        if is_choice and not filterset.form.fields[name].widget.is_hidden:
            yield name


def _counts(filterset: PublicFilterSet, name: str) -> Mapping[str, int]:
    count: Callable[[], Mapping[str, int] | None] | None
    count = getattr(filterset, f"count_{name}", None)
    if count and (counts := count()) is not None:
        return counts
    if grouping := filterset.grouping(name):
        return aggregate(filterset.queryset_with(**{name: ""}), {name: grouping}).counts[name]
    return count_many(
        {
            str(value): filterset.queryset_with(**{name: value})
            for value, _label in _choices(filterset, name)
            if value
        }
    )


def _choices(filterset: PublicFilterSet, name: str) -> Iterable[Any]:
    """Return (value, label) of a filter's choices; some are computed for the active language."""
    return flatten_choices(iter(filterset.form.fields[name].choices))


def count_by_field(rows: QuerySet[Model], field: str) -> dict[str, int]:
    """Return how many rows have each value of a field; one query."""
    return dict(rows.order_by().values_list(field).annotate(n=Count("pk")).values_list(field, "n"))


def count_many(querysets: Mapping[str, QuerySet[Model]]) -> dict[str, int]:
    """Return the number of rows of each queryset, in one query."""
    parts: list[str] = []
    params: list[Any] = []
    using = DEFAULT_DB_ALIAS
    for name, rows in querysets.items():
        using = rows.db
        try:
            sql, given = rows.order_by().values("pk").query.sql_with_params()
        except EmptyResultSet:
            continue
        parts.append(f"SELECT %s AS choice, COUNT(*) FROM ({sql}) rows_{len(parts)}")
        params += [name, *given]
    if not parts:
        return {}
    with connections[using].cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), params)
        return dict(cursor.fetchall())


def _query(filterset: PublicFilterSet, name: str, value: str) -> str:
    """Return the query string of the same view with this choice selected or, if active, removed."""
    asked = filterset.applied_values
    query = QueryDict(mutable=True)
    query.update({key: text for key, text in asked.items() if key != name})
    if asked.get(name) != value:
        query[name] = value
    return query.urlencode()
