"""The stored fields of a record type, in the order that plans and the writer use."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import models

from allies.models.fields import DerivedFieldMixin

#: Set when a plan is applied, to the same time for all its records.
TIMESTAMP_FIELDS = ("created_at", "updated_at")


class RowLayout:
    """The stored fields of a model in a plan's order: the id first, without timestamps."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.fields = [f for f in model._meta.concrete_fields if f.name not in TIMESTAMP_FIELDS]
        self.width = len(self.fields)
        self.defaults = [_to_plain_value(field.get_default()) for field in self.fields]
        self.has_derived = any(isinstance(field, DerivedFieldMixin) for field in self.fields)

    def attname(self, name: str) -> str:
        return str(self.model._meta.get_field(name).attname)

    def positions(self, at: Mapping[str, int]) -> list[tuple[int, int | None]]:
        """Return (position, position of its column in a row or None) for every field but the id."""
        return [(n, at.get(field.name)) for n, field in enumerate(self.fields) if n > 0]

    def stored_values(self, record: Any) -> list[object]:
        """Return the values to store for a record: numbers, texts, dates as texts."""
        return [_to_plain_value(field.pre_save(record, add=True)) for field in self.fields]

    def set_reference(self) -> list[tuple[int, type[models.Model]]]:
        """Return (position, model) of every field that holds an id, including the record's own."""
        places: list[tuple[int, type[models.Model]]] = [(0, self.model)]
        for n, field in enumerate(self.fields):
            if field.is_relation:
                places.append((n, field.related_model))
        return places

    def boolean_positions(self) -> list[int]:
        """Return the positions of boolean fields, which a plan stores as 1 and 0."""
        return [n for n, field in enumerate(self.fields) if isinstance(field, models.BooleanField)]


def _to_plain_value(value: object) -> Any:
    if isinstance(value, dt.date):
        return value.isoformat()
    return value
