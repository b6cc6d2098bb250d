"""Permission checks: one place for forms, buttons, actions and imports."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db.models import Max, Model, Q, QuerySet
from django.utils.translation import gettext as _

from allies.history.public_rule import published_q
from allies.history.snapshots import parent_fields
from allies.models import WRITE_COUNTS, Changeset, Publishable, Record, record_models

AnyUser = AbstractUser | AnonymousUser

#: The states before and after a write: model → querysets of its rows, or of their versions.
States = Callable[[Any], Iterable[QuerySet[Any]]]


class PublishRightMissing(PermissionDenied):
    """A user who may not publish a record wrote to it while it was public, or made it public."""


def has_permission(*, user: AnyUser, action: str, record: Model | type[Model]) -> bool:
    """Return whether the user has a permission (``change``, ``publish``, ``import`` …) on a model.

    Users who may not enter the admin have no permissions, even for requests they made earlier.
    """
    options = record._meta
    permission = f"{options.app_label}.{action}_{options.model_name}"
    return user.is_staff and user.has_perm(permission)


def reload_user(user: AnyUser) -> AnyUser:
    """Reload the account from the database, without cached permissions.

    Jobs call this right before they write. A deleted account has no permissions.
    """
    accounts = get_user_model()._default_manager
    return accounts.filter(pk=user.pk or 0).first() or AnonymousUser()


def can_publish(*, user: AnyUser, record: Publishable) -> bool:
    """Return whether the user may publish, withdraw or, while it is public, change this record."""
    return has_permission(user=user, action="publish", record=record)


def can_write(*, user: AnyUser, record: Record) -> bool:
    """Return whether the user may change this model, and this record in its current state."""
    return has_permission(user=user, action="change", record=record) and can_change(
        user=user, record=record
    )


def can_change(*, user: AnyUser, record: Record) -> bool:
    """Return whether the user's changes to this record can take effect without a review.

    Only users who may publish a record may change it while readers see it, directly or as part of a
    published record. A record without a status, such as a country, is always public and needs the
    permission to change it. For other records, the admin checks that permission.
    """
    governing = record.publication_root
    if governing is None:
        return has_permission(user=user, action="change", record=record)
    if not governing.is_published:
        return True
    return can_publish(user=user, record=governing)


def require_publish_right(*, user: AnyUser, states: States) -> None:
    """Raise PublishRightMissing if a state is public and the user may not publish it.

    A state is public if its own record, or the record it is part of, is published before or after
    the write. Records without a status, such as countries, are always public; they need the
    permission to change them. At most two queries per model written; none if the user has all
    permissions.
    """
    for model in record_models():
        if any(_publication_roots(model)):
            _require_right_to_publish(user, model, states)
        always_public = _without_status_q(model)
        if always_public is not None and not has_permission(
            user=user, action="change", record=model
        ):
            _refuse_any(
                model,
                always_public,
                states,
                _(
                    "“%(record)s” is public, and you don’t have permission to change such "
                    "records. Ask a reviewer."
                ),
            )


def _require_right_to_publish(user: AnyUser, model: Any, states: States) -> None:
    hidden = {
        kind for kind in _publication_roots(model) if not can_publish(user=user, record=kind())
    }
    if hidden:
        _refuse_any(
            model,
            _is_public(model, hidden, states),
            states,
            _(
                "“%(record)s” is or would become public, and you don’t have "
                "permission to publish. Ask a reviewer."
            ),
        )


def _refuse_any(model: Any, public: Q, states: States, said: str) -> None:
    """Raise PublishRightMissing with the record's name if one of the states is public."""
    for rows in states(model):
        for found in rows.filter(public).order_by()[:1]:
            raise PublishRightMissing(said % {"record": _record_name(found)})


def _publication_roots(model: type[Model]) -> Iterator[type[Publishable]]:
    """Yield the models whose status makes records of this model public or not."""
    if issubclass(model, Publishable):
        yield model
    for field in parent_fields(model):
        yield from _publication_roots(field.related_model)


def _without_status_q(model: type[Model]) -> Q | None:
    """Return the condition for rows that no record's status hides; None if there are none.

    All countries are such rows, and the alternative names of countries, but not those of alliances.
    """
    if not any(_publication_roots(model)):
        return Q()
    governed = [f for f in parent_fields(model) if any(_publication_roots(f.related_model))]
    if issubclass(model, Publishable) or len(governed) == len(parent_fields(model)):
        return None
    return Q(**{f"{field.name}__isnull": True for field in governed})


def _is_public(model: Any, kinds: set[type[Publishable]], states: States) -> Q:
    """Return the condition that a row, or a version, is public through one of these models."""
    public = published_q(model) if model in kinds else Q()
    for field in parent_fields(model):
        owner = field.related_model
        if kinds.isdisjoint(_publication_roots(owner)):
            continue
        owner_is_public = _is_public(owner, kinds, states)
        # Check the owner's current row, and also its states before and after this write.
        rows = owner._default_manager.filter(owner_is_public).order_by()
        public |= Q(**{f"{field.name}__in": rows.values("pk")})
        for found in states(owner):
            ids = found.filter(owner_is_public).order_by().values(_id_column(found))
            public |= Q(**{f"{field.name}__in": ids})
    return public


def _id_column(rows: QuerySet[Model]) -> str:
    """Return the column with the ids of the records; a version also has an id of its own."""
    return "pk" if issubclass(rows.model, Record) else "id"


def _record_name(found: Any) -> str:
    """Return the name of a record, or of the record that a version belongs to."""
    record = found if isinstance(found, Record) else found.instance
    try:
        return str(record)
    except ObjectDoesNotExist:  # its name contains the name of a record that is gone
        return f"{record._meta.verbose_name} {record.pk}"


def changeset_states(changeset: Changeset) -> States:
    """Return the states before and after a changeset: its versions, and the last ones before them.

    Call it in the transaction that writes the changeset, so that all other versions are earlier.
    """

    def states(model: type[Record]) -> Iterable[QuerySet[Model]]:
        counts = changeset.counts.get(str(model._meta.model_name), {})
        if not any(counts.get(what) for what in WRITE_COUNTS):
            return
        versions = model.history.model.objects.order_by()
        own = versions.filter(changeset=changeset)
        changed = own.exclude(history_type="+").values("id")
        earlier = versions.filter(id__in=changed).exclude(changeset=changeset).values("id")
        yield own
        yield versions.filter(
            history_id__in=earlier.annotate(last=Max("history_id")).values("last")
        )

    return states
