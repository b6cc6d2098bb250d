"""What is counted over the rows of a view, in one statement.

Rows are grouped by every value asked for at once, and each sum is made of the groups: so what it
costs to find the rows is paid once, however much is counted over them.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import Aggregate, Case, Count, Exists, Max, Model, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable


def _one(value: Hashable) -> Iterable[Hashable]:
    return (value,)


class GroupBy(NamedTuple):
    """By which values of a row is counted, and under what a row with these values counts."""

    by: tuple[Combinable, ...]
    label_for: Callable[..., Iterable[Hashable]] = _one


def group_by_condition(condition: Q | Exists, yes: str = "yes", no: str = "no") -> GroupBy:
    """Return the grouping by whether a row fulfils a condition, a Q or an Exists."""
    return GroupBy((Case(When(condition, then=Value(yes)), default=Value(no)),))


class Aggregates(NamedTuple):
    """How many rows there are, the ends of their spans by name, and how many rows count as what."""

    row_count: int = 0
    spans: Mapping[str, Any] = {}
    counts: Mapping[str, Mapping[Any, int]] = {}


def aggregate(
    rows: QuerySet[Model], groups: Mapping[str, GroupBy], **spans: Aggregate
) -> Aggregates:
    """Return the sums over a queryset; costs one query. ``spans`` are Min or Max of a field."""
    width = {name: len(grouping.by) for name, grouping in groups.items()}
    columns = {
        f"{name}_{n}": value
        for name, grouping in groups.items()
        for n, value in enumerate(grouping.by)
    }
    ends = {f"{name}_end": span for name, span in spans.items()}
    rows = rows.order_by()
    if columns:
        found = rows.values(**columns).annotate(rows_there=Count("pk"), **ends)
        found = found.values_list(*columns, *ends, "rows_there")
    else:
        one = rows.aggregate(rows_there=Count("pk"), **ends)
        found = [(*(one[name] for name in ends), one["rows_there"])]
    counts: dict[str, Counter[object]] = {name: Counter() for name in groups}
    seen: dict[str, list[Any]] = {name: [] for name in spans}
    number = 0
    for *values, there in found:
        number += there
        for name, grouping in groups.items():
            own, values = values[: width[name]], values[width[name] :]
            for choice in grouping.label_for(*own):
                counts[name][choice] += there
        for name, end in zip(spans, values, strict=True):
            if end is not None:
                seen[name].append(end)
    pick = {name: max if isinstance(span, Max) else min for name, span in spans.items()}
    return Aggregates(
        number, {name: pick[name](seen[name], default=None) for name in spans}, counts
    )


def count_distinct_by(rows: QuerySet[Model], by: str, what: str) -> dict[str, int]:
    """Return how many different ``what`` the rows have by each value of a field; one query.

    As a count of pairs that differ, which an index has in order: PostgreSQL sorts all rows for a
    COUNT(DISTINCT), eight seconds of nine million.
    """
    try:
        pairs, params = rows.order_by().values_list(by, what).distinct().query.sql_with_params()
    except EmptyResultSet:
        return {}
    with connections[rows.db].cursor() as cursor:
        cursor.execute(f"SELECT {by}, COUNT(*) FROM ({pairs}) pairs GROUP BY {by}", params)  # noqa: S608
        return dict(cursor.fetchall())


#: Goes from pair to pair of a table along an index, and counts those that are asked for.
_PAIRS = """
WITH RECURSIVE pairs (what, grouped) AS (
    (SELECT {what}, {by} FROM {table} ORDER BY {what}, {by} LIMIT 1)
    UNION ALL
    SELECT later.* FROM pairs CROSS JOIN LATERAL (
        SELECT {what}, {by} FROM {table}
        WHERE ({what}, {by}) > (pairs.what, pairs.grouped) ORDER BY {what}, {by} LIMIT 1
    ) later
), asked (what) AS MATERIALIZED ({within})
SELECT grouped, COUNT(*) FROM pairs JOIN asked USING (what) GROUP BY grouped
"""


def count_distinct_by_index(model: Any, by: str, what: str, within: Any) -> dict[str, int]:
    """Do as ``count_distinct_by`` for a model's rows, ``within`` being nearly every ``what``.

    Needs an index of both fields, of which PostgreSQL reads every row by itself.
    """
    if connections[within.db].vendor != "postgresql":
        return count_distinct_by(model.objects.filter(**{f"{what}__in": within}), by, what)
    columns = {
        name: model._meta.get_field(field).column for name, field in (("by", by), ("what", what))
    }
    asked, params = within.order_by().query.sql_with_params()
    with connections[within.db].cursor() as cursor:
        cursor.execute(_PAIRS.format(table=model._meta.db_table, within=asked, **columns), params)
        return dict(cursor.fetchall())
