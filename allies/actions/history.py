"""Going back to what a record was."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from allies.actions.rights import Person, may, may_change
from allies.models import Record
from allies.models.fields import DerivedField

#: What going back leaves alone: who sees a record is decided by its own steps.
_KEPT = {"id", "status", "created_at", "updated_at", "origin"}


def revertible_fields(record: Record) -> list[Any]:
    """Return the fields a revert writes: what editors fill in, its status excepted."""
    return [
        field
        for field in record._meta.concrete_fields
        if field.name not in _KEPT and not isinstance(field, DerivedField)
    ]


@transaction.atomic
def revert(*, record: Record, version: Any, user: Person) -> None:
    """Give the record the content it had in this version; its status stays what it is.

    Raises PermissionDenied where the user may not change the record as it stands, and
    ValidationError where the old content breaks a rule of today.
    """
    allowed = may(user=user, action="change", record=record)
    if not allowed or not may_change(user=user, record=record):
        raise PermissionDenied
    for field in revertible_fields(record):
        setattr(record, field.attname, getattr(version, field.attname))
    record.full_clean()
    if not may_change(user=user, record=record):
        raise PermissionDenied
    record._change_reason = _("Reverted to the version of %(date)s") % {
        "date": version.history_date.strftime("%Y-%m-%d %H:%M")
    }
    record.save()
