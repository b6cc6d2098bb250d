"""Facets: how many rows each choice of a filter would leave, the other filters being as they are.

Each facet costs one query, whatever its choices. A filter whose choices are the values of a
column is counted by group; where a filterset has a method ``count_<name>``, that counts; all
others are counted choice by choice, in one statement.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import django_filters
from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Count
from django.http import QueryDict
from django.utils.choices import flatten_choices

from allies.filters.base import ReadersFilterSet

#: Choices shown at once; the others are folded away.
SHOWN = 6


@dataclass(frozen=True)
class Choice:
    """One choice: how many rows it leaves, and the query that makes it or, if active, drops it."""

    value: str
    label: Any
    count: int
    query: str
    is_active: bool


@dataclass(frozen=True)
class Facet:
    """A filter's choices that leave anything, those with most rows first."""

    name: str
    label: Any
    choices: list[Choice]

    @property
    def shown(self) -> list[Choice]:
        active = [choice for choice in self.choices[SHOWN:] if choice.is_active]
        return [*self.choices[:SHOWN], *active]

    @property
    def folded(self) -> list[Choice]:
        return [choice for choice in self.choices[SHOWN:] if not choice.is_active]


def facets_of(filterset: ReadersFilterSet) -> list[Facet]:
    """Return the facets of a valid filterset; one query a filter that has choices."""
    facets = []
    for name, field in filterset.filters.items():
        is_choice = isinstance(field, django_filters.ChoiceFilter)
        if not is_choice or filterset.form.fields[name].widget.is_hidden:
            continue
        counts = _counts(filterset, name)
        asked = filterset.applied.get(name)
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


def _counts(filterset: ReadersFilterSet, name: str) -> Mapping[str, int]:
    count: Callable[[], Mapping[str, int]] | None = getattr(filterset, f"count_{name}", None)
    if count is not None:
        return count()
    field = filterset.filters[name]
    if field.method is None:
        return grouped(filterset.narrowed(**{name: ""}), field.field_name)
    return counted_at_once(
        {
            str(value): filterset.narrowed(**{name: value})
            for value, _label in _choices(filterset, name)
            if value
        }
    )


def _choices(filterset: ReadersFilterSet, name: str) -> Iterable[Any]:
    """Return (value, label) of a filter's choices; they may be made anew for each language."""
    return flatten_choices(iter(filterset.form.fields[name].choices))


def grouped(rows: Any, field: str) -> dict[str, int]:
    """Return how many rows have each value of a field; one query."""
    return dict(rows.order_by().values_list(field).annotate(n=Count("pk")).values_list(field, "n"))


def counted_at_once(querysets: Mapping[str, Any]) -> dict[str, int]:
    """Return how many rows each queryset has, asked in one statement."""
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


def _query(filterset: ReadersFilterSet, name: str, value: str) -> str:
    """Return the query of the same view with this choice made or, where it is made, taken back."""
    asked = filterset.applied
    query = QueryDict(mutable=True)
    query.update({key: text for key, text in asked.items() if key != name})
    if asked.get(name) != value:
        query[name] = value
    return query.urlencode()
