"""Registry of all record types: look-up by name, order of dependency, fingerprint of the data."""

from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from typing import Any

from django.apps import apps
from django.db import models

from allies.models.base import Record


@cache
def record_models() -> tuple[type[Record], ...]:
    """Return the models of all record types, each after the models its foreign keys point to."""
    found: list[type[Record]] = []

    def add(model: type[Record]) -> None:
        if model in found:
            return
        for other in related_record_models(model):
            if other is not model:
                add(other)
        found.append(model)

    for model in _record_models():
        add(model)
    return tuple(found)


def _record_models() -> Iterable[Any]:
    return (model for model in apps.get_app_config("allies").get_models() if _is_record(model))


def _is_record(model: Any) -> bool:
    return issubclass(model, Record)


@cache
def _models_by_name() -> dict[str, type[Record]]:
    return {str(model._meta.model_name): model for model in record_models()}


def get_record_model(noun: str) -> type[Record]:
    """Return the model with this name (``alliance``); raise KeyError if there is none."""
    return _models_by_name()[noun]


def get_record(noun: str, record_id: int | None) -> Record | None:
    """Return the record with this id of the named model; None if there is no such record."""
    model = _models_by_name().get(noun)
    return None if model is None else model._default_manager.filter(pk=record_id).first()


def foreign_keys_to(model: type[models.Model]) -> list[tuple[Any, Any]]:
    """Return (model, field) of every foreign key of a record type that points to this model.

    ``Source.origin`` is left out, because it is computed from ``derived_from``.
    """
    return [
        (other, field)
        for other in record_models()
        for field in other._meta.concrete_fields
        if field.related_model is model and field.name != "origin"
    ]


def url_field(model: type[models.Model]) -> str:
    """Return the name of the field used in a record's URL: ``slug``, or ``key`` of a source."""
    return "slug" if hasattr(model, "slug") else "key"


def related_record_models(model: type[models.Model]) -> list[Any]:
    """Return the record types that a model's foreign keys point to, possibly including itself."""
    return [
        field.related_model
        for field in model._meta.concrete_fields
        if field.is_relation and _is_record(field.related_model)
    ]


def data_fingerprint(nouns: Iterable[Any]) -> str:
    """Return a hash that changes whenever a record of one of these models is written.

    It is computed from the id of each model's latest version. One query per model.
    """
    last = []
    for model in sorted(nouns, key=lambda m: m._meta.model_name):
        newest = model.history.model.objects.aggregate(newest=models.Max("history_id"))["newest"]
        last.append(f"{model._meta.model_name}{newest or 0}")
    return sha256(" ".join(last).encode()).hexdigest()
