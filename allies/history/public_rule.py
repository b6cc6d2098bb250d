"""The rule for whether readers could see a record at a given time (docs/adr/0001).

A record is public if it is published and, if its model needs evidence, a public source supports
it. The ``published`` querysets apply the rule to current rows. This module applies it to versions,
and no other code does. The users of ``PublicRule`` differ in which evidence counts:

- ``VisibilityHistory`` counts the sources that were published at that time.
- The public steps count the sources that are published now, because they must not name others. A
  step of a list counts even if none of the sources that its entries had then is published now.
- The public changes of a changeset look only at the status, because the versions read for them do
  not include the other citations of the record.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import cast

from django.db.models import Model, OuterRef, Q, QuerySet, Subquery

from allies.models import (
    AllyList,
    Changeset,
    Citation,
    Entry,
    Event,
    EvidencedModel,
    KeyEvent,
    Publishable,
    SeeAlso,
    Source,
    Stance,
    Status,
)

#: The models whose records must be supported by a public source.
SUPPORTED_MODELS: tuple[type[Model], ...] = (EvidencedModel, AllyList)


@dataclass(frozen=True)
class PublicRule:
    """Decides whether a record was public, from its status and its citations at that time.

    ``is_source_public`` takes the id of a source. ``need_support`` are the models whose records
    must be supported by such a source.
    """

    is_source_public: Callable[[int], bool]
    need_support: tuple[type[Model], ...] = SUPPORTED_MODELS

    @classmethod
    def with_current_sources(cls, sources: Collection[int]) -> "PublicRule":
        """Return the rule of the public steps; ``sources`` are the ids of those published now."""
        return cls(sources.__contains__, (EvidencedModel,))

    def is_public(
        self, model: type[Model], status: str, citations: Iterable[tuple[str, int]]
    ) -> bool:
        """Return whether a record was public; ``citations`` are (stance, source id) pairs.

        They are not read if the model needs no support. ``status`` is ignored if it has none.
        """
        if issubclass(model, Publishable) and status != Status.PUBLISHED:
            return False
        return not issubclass(model, self.need_support) or self.is_supported(citations)

    def is_supported(self, citations: Iterable[tuple[str, int]]) -> bool:
        """Return whether one of these citations is a public source's support."""
        return any(
            stance == Stance.SUPPORTS and self.is_source_public(source)
            for stance, source in citations
        )


#: The rule without evidence.
STATUS_RULE = PublicRule(lambda _source: False, need_support=())


def published_q(model: type[Model], path: str = "") -> Q:
    """Return the condition that a row or a version is published; always met without a status.

    ``path`` leads from the row to the record, such as ``source__``.
    """
    return Q(**{f"{path}status": Status.PUBLISHED}) if issubclass(model, Publishable) else Q()


def versions_that_published(model: type[Publishable], changeset: Changeset) -> QuerySet[Model]:
    """Return a changeset's versions with which records became published."""
    before = (
        model.history.model.objects.filter(id=OuterRef("id"), history_id__lt=OuterRef("history_id"))
        .order_by("-history_id")
        .values("status")[:1]
    )
    versions = model.history.model.objects.filter(published_q(model), changeset=changeset)
    found = versions.annotate(before=Subquery(before)).exclude(before=Status.PUBLISHED)
    return cast(QuerySet[Model], found)


def visible_versions_q(model: type[Model], owner: str) -> Q:
    """Return the condition for versions of a part that change what readers see of its owner.

    ``owner`` is the column with the owner's id. An entry appears and disappears with the
    citations that support it, so those always count. Sources and entries count as they are now.
    """
    is_public = published_q(Source, "source__")
    supported = Entry.objects.supported().order_by().values("pk")
    if model is Entry:
        return Q(id__in=supported)
    if model is Citation and owner == "entry_id":
        history = Citation.history.model.objects.order_by()
        supporting = history.filter(entry__isnull=False, stance=Stance.SUPPORTS)
        return is_public & (Q(entry__in=supported) | Q(id__in=supporting.values("id")))
    if model is KeyEvent:
        return Q(entry__in=supported, event__in=Event.objects.published().order_by().values("pk"))
    return is_public if model in (Citation, SeeAlso) else Q()
