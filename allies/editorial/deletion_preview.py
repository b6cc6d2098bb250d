"""The effects of a deletion on other records: deleted too, unlinked, or preventing it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import models
from django.db.models import QuerySet
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from simple_history.models import HistoricalChanges

from allies.history.steps import select_related_for_labels
from allies.models import (
    Appointment,
    Changeset,
    Correction,
    OldSlug,
    OpenForm,
    PreviewLink,
    Publishable,
    Record,
    SearchText,
    Status,
)

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: At most this many records of each kind are named; the rest are only counted.
MAX_NAMED = 10


class EffectKind(Enum):
    """The effect of a deletion on a record that refers to a deleted one."""

    GOES = "goes"
    LOSES_LINK = "loses-link"
    FORBIDS = "forbids"
    STAYS = "stays"


_EFFECTS: "dict[object, EffectKind]" = {
    models.CASCADE: EffectKind.GOES,
    models.SET_NULL: EffectKind.LOSES_LINK,
    models.PROTECT: EffectKind.FORBIDS,
    models.DO_NOTHING: EffectKind.STAYS,
}

#: Fields computed from others: nobody filled them in, so that nothing is lost with them.
DERIVED = {"allies.Source.origin"}

#: Models that refer to a record by model and id, and are of no use without it. Each has a label
#: and the names of the two fields.
REFERENCE_MODELS: "dict[type[models.Model], tuple[StrOrPromise, str, str]]" = {
    Changeset: (gettext_lazy("Open proposals"), "about_noun", "about_id"),
    Appointment: (gettext_lazy("Scheduled actions"), "noun", "record_id"),
    PreviewLink: (gettext_lazy("Preview links"), "noun", "record_id"),
    Correction: (gettext_lazy("Corrections from readers"), "noun", "record_id"),
    OldSlug: (gettext_lazy("Old addresses"), "noun", "record_id"),
}

#: Models that refer to a record in the same way, but are rebuilt automatically.
REBUILT_MODELS = (OpenForm, SearchText)


@dataclass
class DeletionEffect:
    """The effect of a deletion on the records of one model."""

    effect: EffectKind
    model: type[models.Model]
    label: str
    #: The name of the linking field; "" if there is no field.
    link: str
    count: int
    names: list[str] = field(default_factory=list)

    @property
    def unnamed(self) -> int:
        return self.count - len(self.names)


@dataclass
class DeletionPreview:
    """The effects of deleting some records, by kind."""

    names: list[str]
    count: int
    consequences: list[DeletionEffect]
    #: Public records among them: each has to be withdrawn first.
    public: list[str]
    #: Public records that would lose a link: (record, name of the field).
    linked: list[tuple[str, str]]

    def effects_of_kind(self, effect: EffectKind) -> list[DeletionEffect]:
        return [one for one in self.consequences if one.effect is effect]

    @property
    def unnamed(self) -> int:
        return self.count - len(self.names)

    @property
    def goes(self) -> list[DeletionEffect]:
        return self.effects_of_kind(EffectKind.GOES)

    @property
    def loses_link(self) -> list[DeletionEffect]:
        return self.effects_of_kind(EffectKind.LOSES_LINK)

    @property
    def stays(self) -> list[DeletionEffect]:
        return self.effects_of_kind(EffectKind.STAYS)

    @property
    def blocking_effects(self) -> list[str]:
        """Return messages why the records cannot be deleted, and what the editor must do first."""
        found = [
            _("“%(record)s” is published. Withdraw it before you delete it.") % {"record": name}
            for name in self.public
        ]
        found += [
            _(
                "“%(record)s” is published and refers to this record as "
                "“%(link)s”. Clear that field first."
            )
            % {"record": name, "link": link}
            for name, link in self.linked
        ]
        for one in self.effects_of_kind(EffectKind.FORBIDS):
            found.append(
                _(
                    "%(label)s still refer to this record as “%(link)s” "
                    "(%(count)d): %(names)s. Change or delete them first."
                )
                % {
                    "label": one.label,
                    "link": one.link,
                    "count": one.count,
                    "names": "; ".join(one.names) + (" …" if one.unnamed else ""),
                }
            )
        return found


def preview_deletion(records: QuerySet[models.Model]) -> DeletionPreview:
    """Return the effects of deleting these records; at most three queries per relation."""
    model = records.model
    count, names = _count_and_names(records)
    found: list[DeletionEffect] = []
    in_public: list[tuple[str, str]] = []
    for one, linked in _linked(model, records):
        found.append(one)
        if one.effect is EffectKind.LOSES_LINK:
            in_public += [(name, one.link) for name in _published(linked)]
    return DeletionPreview(
        names, count, [*found, *_references(records)], _published(records), in_public
    )


@cache
def relations_to(model: type[models.Model]) -> tuple[tuple[type[models.Model], Any], ...]:
    """Return (model, field) of every field that refers to such records, except in versions."""
    return tuple(
        (other, relation)
        for other in apps.get_models()
        if not issubclass(other, HistoricalChanges)
        for relation in other._meta.concrete_fields
        if relation.related_model is model and str(relation) not in DERIVED
    )


def _linked(
    model: type[models.Model], records: QuerySet[models.Model]
) -> "Iterator[tuple[DeletionEffect, QuerySet[models.Model]]]":
    """Yield the rows that refer to these records or to rows that are deleted with them."""
    for other, relation in relations_to(model):
        linked = other._default_manager.filter(
            **{f"{relation.name}__in": records.order_by().values("pk")}
        )
        count, names = _count_and_names(linked)
        if not count:
            continue
        effect = _EFFECTS[relation.remote_field.on_delete]
        label, link = capfirst(str(other._meta.verbose_name_plural)), str(relation.verbose_name)
        yield DeletionEffect(effect, other, label, link, count, names), linked
        if effect is EffectKind.GOES and issubclass(other, Record):
            yield from _linked(other, linked)


def _references(records: QuerySet[models.Model]) -> Iterator[DeletionEffect]:
    noun = records.model._meta.model_name
    for model, (label, noun_field, id_field) in REFERENCE_MODELS.items():
        rows = model.objects.proposed() if model is Changeset else model._default_manager.all()
        ids = records.order_by().values("pk")
        if count := rows.filter(**{noun_field: noun, f"{id_field}__in": ids}).count():
            yield DeletionEffect(EffectKind.STAYS, model, str(label), "", count)


def _count_and_names(rows: QuerySet[models.Model]) -> tuple[int, list[str]]:
    """Return the number of rows and the names of the first few; only records have names."""
    count = rows.order_by().count()
    if not count or not issubclass(rows.model, Record):
        return count, []
    named = select_related_for_labels(rows.model).filter(pk__in=rows.order_by().values("pk"))
    return count, [str(record) for record in named.order_by("pk")[:MAX_NAMED]]


def _published(rows: QuerySet[models.Model]) -> list[str]:
    if not issubclass(rows.model, Publishable):
        return []
    published = rows.model._default_manager.filter(
        pk__in=rows.order_by().values("pk"), status=Status.PUBLISHED
    )
    return [str(record) for record in published.order_by("pk")[:MAX_NAMED]]
