"""Base of querysets whose rows rest on sources: on which, and whether the rows may be passed on."""

from typing import TYPE_CHECKING, Self, TypeVar

from django.db import models
from django.db.models import Exists, Q

if TYPE_CHECKING:
    from allies.models.citation import CitationQuerySet

SomeRecord = TypeVar("SomeRecord", bound=models.Model)


def withheld_source_q(prefix: str = "") -> Q:
    """Return the condition that the rows of a source may not be passed on.

    A source that does not say is like its origin. ``prefix`` is the path to the source, such as
    ``source__``.
    """
    own, origins = f"{prefix}redistribution", f"{prefix}origin__redistribution"
    return Q(**{own: False}) | Q(**{f"{own}__isnull": True, origins: False})


class ProvenanceQuerySet(models.QuerySet[SomeRecord]):
    """Querysets of public rows that rest on sources."""

    def evidence(self) -> "CitationQuerySet":
        """Return the citations of published sources that support these rows."""
        raise NotImplementedError

    def is_redistributable(self) -> Q | Exists:
        """Return the condition that a row does not rest on withheld sources alone."""
        raise NotImplementedError

    def redistributable(self, is_redistributable: bool = True) -> Self:
        """Filter for rows that may be passed on in whole tables, or for all others."""
        condition = self.is_redistributable()
        return self.filter(condition if is_redistributable else ~condition)
