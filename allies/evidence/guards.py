"""Guards that protect the evidence of public records.

Readers never see a record without support, even without these guards, because ``published()``
requires it. The guards prevent editors from removing the last support by accident, and from
deleting a public record before it is withdrawn. Bulk writes send no signals, so an import calls
``ensure_evidence_remains`` itself.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.db.models.signals import post_delete, pre_delete, pre_save
from django.dispatch import receiver
from django.utils.translation import gettext as _

from allies.models.alliance import Alliance
from allies.models.ally_list import AllyList, Entry
from allies.models.base import Publishable, Status
from allies.models.citation import Citation, Stance
from allies.models.event import Event
from allies.models.source import Source

if TYPE_CHECKING:
    from allies.models.base import Record
    from allies.models.citation import CitationQuerySet

#: Maximum number of records named in one message.
MAX_NAMED = 5


class EvidenceLost(ValidationError):
    """Raised by a change that would leave a public record without a source, or delete it."""


#: Target of a citation → (its model, path to the status that makes it public).
_CITED_MODELS: dict[str, tuple[Any, str]] = {
    "alliance": (Alliance, "status"),
    "event": (Event, "status"),
    "entry": (Entry, "ally_list__status"),
}


#: Models whose records readers see only while a published source supports them.
EVIDENCED_MODELS: tuple[type[Publishable], ...] = (Alliance, Event, AllyList)


def published_but_unsupported(model: Any) -> "QuerySet[Record]":
    """Return the records of a model that have the status published, but that readers do not see."""
    marked: QuerySet[Any] = model.objects.filter(status=Status.PUBLISHED)
    return marked.exclude(pk__in=model.objects.published().values("pk"))


def would_lose_support(source: Source, besides: Collection[int] = ()) -> list[Model]:
    """Return public records that depend on this source only; five queries.

    These are records that no other published source supports, lists recorded from it, and
    published sources derived from it. ``besides`` are ids of sources withdrawn together with it.
    Of each model, at most one record more than ``MAX_NAMED`` is returned.
    """
    gone = [source.pk, *besides]
    others = Citation.objects.from_published_sources().supporting().exclude(source__in=gone)
    supported = Citation.objects.filter(source=source).supporting()
    some = MAX_NAMED + 1
    recorded = AllyList.objects.filter(status=Status.PUBLISHED, recorded_from=source)
    drawing = Source.objects.published().filter(derived_from=source).exclude(pk__in=besides)
    lost: list[Model] = [*recorded[:some], *drawing[:some]]
    for target, (model, status) in _CITED_MODELS.items():
        lost += (
            model.objects.filter(**{status: Status.PUBLISHED})
            .filter(pk__in=supported.exclude(**{target: None}).values(target))
            .exclude(pk__in=others.exclude(**{target: None}).values(target))[:some]
        )
    return lost


@receiver(pre_save, sender=Source)
def protect_needed_source(sender: object, instance: Source, raw: bool, **kwargs: object) -> None:
    if raw or instance._state.adding or instance.is_published:
        return
    if not Source.objects.filter(pk=instance.pk).published().exists():
        return
    ensure_evidence_remains(instance)


def ensure_evidence_remains(source: Source, besides: Collection[int] = ()) -> None:
    """Raise EvidenceLost if withdrawing the source would leave public records without a source.

    ``besides`` are ids of sources withdrawn together with it. Five queries.
    """
    if lost := would_lose_support(source, besides):
        named = "; ".join(str(record) for record in lost[:MAX_NAMED])
        raise EvidenceLost(
            _("%(source)s is the only published source of: %(records)s. Cite another one first.")
            % {"source": source.key, "records": f"{named} …" if lost[MAX_NAMED:] else named}
        )


#: Targets (model name, id) whose support is checked at the end; None if it is checked at once.
_deferred_checks: ContextVar[set[tuple[str, int]] | None] = ContextVar("postponed", default=None)


@contextmanager
def defer_evidence_checks() -> Iterator[None]:
    """Check support at the end of the block, so that one citation can be replaced by another.

    Raises EvidenceLost at the end if a public record is left without support. Use it inside a
    transaction, so that the writes are rolled back then.
    """
    token = _deferred_checks.set(set())
    try:
        yield
        left = _deferred_checks.get() or set()
    finally:
        _deferred_checks.reset(token)
    for target, record_id in sorted(left):
        _require_support(target, record_id, Citation.objects.all())


def ensure_supported(citation: Citation) -> None:
    """Raise EvidenceLost if removing this citation leaves a public record without support.

    Inside ``defer_evidence_checks``, the check is made at the end of that block.
    """
    target = citation.target_noun
    if target not in _CITED_MODELS:
        return  # a membership is public with its alliance, whatever is cited for it
    record_id = getattr(citation, f"{target}_id")
    postponed = _deferred_checks.get()
    if postponed is None:
        _require_support(target, record_id, Citation.objects.exclude(pk=citation.pk))
    else:
        postponed.add((target, record_id))


def _require_support(target: str, record_id: int, citations: "CitationQuerySet") -> None:
    model, status = _CITED_MODELS[target]
    record = model.objects.filter(pk=record_id, **{status: Status.PUBLISHED}).first()
    others = citations.from_published_sources().supporting()
    if record and not others.filter(**{target: record}).exists():
        raise EvidenceLost(
            _("“%(record)s” is public and needs a published source that supports it.")
            % {"record": record}
        )


def _supports(citation: Citation) -> bool:
    return citation.stance == Stance.SUPPORTS and citation.source.is_published


@receiver(pre_save, sender=Citation)
def protect_last_support_on_change(
    sender: object, instance: Citation, raw: bool, **kwargs: object
) -> None:
    before = None if raw else Citation.objects.filter(pk=instance.pk).first()
    if before is None or not _supports(before):
        return
    if before.target != instance.target or not _supports(instance):
        ensure_supported(before)


@receiver(post_delete, sender=Citation)
def protect_last_support_on_deletion(
    sender: object, instance: Citation, origin: object, **kwargs: object
) -> None:
    # A deleted record deletes its citations too; then there is nothing left to support.
    deleted = origin.model if isinstance(origin, QuerySet) else type(origin)
    if deleted is Citation and _supports(instance):
        ensure_supported(instance)


@receiver(pre_delete, sender=Alliance)
def protect_alliances_of_public_events(
    sender: object, instance: Alliance, **kwargs: object
) -> None:
    for event in Event.objects.filter(alliance=instance, status=Status.PUBLISHED)[:1]:
        raise EvidenceLost(
            _("“%(record)s” is published. Withdraw it before you delete it.") % {"record": event}
        )


@receiver(pre_delete, sender=Alliance)
@receiver(pre_delete, sender=AllyList)
@receiver(pre_delete, sender=Event)
@receiver(pre_delete, sender=Source)
def protect_public_records(sender: object, instance: Publishable, **kwargs: object) -> None:
    if instance.is_published:
        raise EvidenceLost(
            _("“%(record)s” is published. Withdraw it before you delete it.") % {"record": instance}
        )
