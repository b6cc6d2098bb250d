"""Base class of rows with a state, which changes by compare-and-set only."""

from collections.abc import Iterable
from typing import Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _


class StateConflict(ValidationError):
    """The state has changed since the row was read; nothing was written."""

    def __init__(self) -> None:
        super().__init__(
            _("This changed after you opened the page, so nothing was done. Check it again.")
        )


class Stateful(models.Model):
    """A row whose state may change while another process holds an older copy of it.

    ``STATE`` names the fields that hold the state. In an existing row, only
    ``compare_and_set`` changes them. ``save`` raises TypeError for them, and for an existing row
    without ``update_fields``, so that a stale copy never overwrites a newer state.
    """

    STATE: ClassVar[tuple[str, ...]] = ()

    class Meta:
        abstract = True

    def compare_and_set(self, **fields: object) -> None:
        """Write these fields if the state in the database still equals this copy's; one query.

        Raises StateConflict otherwise. Pass a related record as its primary key.
        """
        self._require_one_row(self._unchanged_row().update(**fields))
        for name, value in fields.items():
            setattr(self, self._meta.get_field(name).attname, value)  # type: ignore[union-attr]

    def delete_if_unchanged(self) -> None:
        """Delete the row if its state still equals this copy's; raise StateConflict otherwise."""
        # The cascade deletes rows of other tables first. The lock keeps the state until then.
        locked = self._unchanged_row().select_for_update(of=("self",)).values_list("pk", flat=True)
        self._require_one_row(len(locked))
        type(self)._default_manager.filter(pk=self.pk).delete()

    def _unchanged_row(self) -> models.QuerySet[Self]:
        state = {name: getattr(self, name) for name in self.STATE}
        return type(self)._default_manager.filter(pk=self.pk, **state)

    @staticmethod
    def _require_one_row(rows: int) -> None:
        if not rows:
            raise StateConflict

    def save(
        self, *args: object, update_fields: Iterable[str] | None = None, **kwargs: Any
    ) -> None:
        """Insert the row, or write fields that are not its state; raise TypeError otherwise."""
        if update_fields is not None:
            update_fields = set(update_fields)
        if not self._state.adding and (update_fields is None or update_fields & set(self.STATE)):
            raise TypeError(
                f"{type(self).__name__}.save() would write a state that may be out of date: "
                "give update_fields without it, or call compare_and_set()."
            )
        super().save(*args, update_fields=update_fields, **kwargs)
