"""Alerts: records that need an editor's attention, each found by a query.

An alert applies to records of some models. The dashboard shows its count with a link to the list,
the weekly summary reports it, and the list can be filtered by it. All three use the queries here.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Count, Exists, F, Model, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from allies.evidence.guards import EVIDENCED_MODELS, published_but_unsupported
from allies.models import (
    Alliance,
    AllyList,
    Appointment,
    Citation,
    Entry,
    Event,
    Membership,
    Participation,
    Publishable,
    Record,
    Source,
    SourceKind,
    Status,
)
from allies.models.base import count_distinct_subquery
from allies.models.link_check import LinkHealth
from allies.models.source import origin_of

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    from allies.actions.permissions import AnyUser
    from allies.models.event import EventQuerySet

#: Counting stops here. Editors need to know that there are many, not how many.
COUNT_LIMIT = 1000


@dataclass(frozen=True)
class Alert:
    """A query on the records of some models; ``filter_records`` narrows a model's queryset."""

    key: str
    label: "StrOrPromise"
    models: tuple[type[Record], ...]
    filter_records: Callable[[Any, Any], QuerySet[Model]]
    #: The permission on the model with which a user sees the alert.
    right: str = "change"
    #: Whether it depends on the user, so that it is not in the counts for all editors.
    is_personal: bool = False

    def queryset_for(self, model: type[Model], user: "AnyUser") -> QuerySet[Model]:
        """Return the records of this model that the alert applies to."""
        return self.filter_records(model._default_manager.all(), user)


_PUBLISHABLE_MODELS = (Alliance, Event, AllyList, Source)
_CITED_MODELS = (Alliance, Event, Entry)


def _except_roll_calls(records: Any) -> Any:
    """Leave out UN votes, of which a data set has thousands: nobody edits them one by one."""
    return records.except_roll_calls() if records.model is Event else records


def _in_review(records: QuerySet[Model], user: "AnyUser") -> QuerySet[Model]:
    return records.filter(status=Status.IN_REVIEW)


def _my_drafts(records: QuerySet[Publishable], user: "AnyUser") -> QuerySet[Publishable]:
    """Drafts that this user created."""
    mine = records.model.history.model.objects.filter(history_type="+", history_user=user)
    return records.filter(status=Status.DRAFT, pk__in=mine.values("id"))


def _public(records: QuerySet[Model]) -> QuerySet[Model]:
    path = "ally_list__status" if records.model is Entry else "status"
    return records.filter(**{path: Status.PUBLISHED})


def _published_but_hidden(records: QuerySet[Model], user: "AnyUser") -> QuerySet[Model]:
    """Records that are published but hidden, because no published source supports them."""
    return published_but_unsupported(records.model)


def _without_participants(events: "EventQuerySet", user: "AnyUser") -> "EventQuerySet":
    """Public events without participants, except UN votes; they are on no country's page."""
    parts = Participation.objects.filter(event=OuterRef("pk"))
    return events.published().except_roll_calls().exclude(Exists(parts))


def _one_source(records: Any, user: "AnyUser") -> Any:
    """Published records whose published supporting sources all have one origin.

    UN votes are left out, and so are records that a data set supports: its rows have no other
    source, and need none.
    """
    target = records.target
    supporting = Citation.objects.from_published_sources().supporting()
    alone = (
        supporting.exclude(**{target: None})
        .order_by()
        .values(target)
        .annotate(
            origins=Count(origin_of("source__"), distinct=True),
            data_sets=Count("pk", filter=Q(source__kind=SourceKind.DATASET)),
        )
        .filter(origins=1, data_sets=0)
    )
    return _except_roll_calls(_public(records)).filter(pk__in=alone.values(target))


def _disputed_without_note(records: Any, user: "AnyUser") -> Any:
    """Published records that a published source disputes without a note."""
    target = records.target
    bare = Citation.objects.from_published_sources().disputing().filter(note_en="", note_ind="")
    return _public(records).filter(pk__in=bare.exclude(**{target: None}).values(target))


def _evidence_outdated(records: Any, user: "AnyUser") -> Any:
    """Published records without a citation verified in the last STALE_DAYS of their model.

    UN votes are left out.
    """
    target = records.target
    days = settings.STALE_DAYS.get(target)
    if not days:
        return records.none()
    since = timezone.localdate() - dt.timedelta(days=days)
    fresh = Citation.objects.filter(verified_on__gt=since).exclude(**{target: None})
    began = timezone.now() - dt.timedelta(days=days)
    old = _except_roll_calls(_public(records)).filter(created_at__lt=began)
    return old.exclude(pk__in=fresh.values(target))


def _headline_mismatch(lists: QuerySet[AllyList], user: "AnyUser") -> QuerySet[AllyList]:
    """Published lists whose headline gives another number than they show."""
    entries = Entry.objects.published().filter(ally_list=OuterRef("pk"))
    return (
        lists.filter(status=Status.PUBLISHED)
        .exclude(promised=None)
        .annotate(shown=count_distinct_subquery(entries, "ally_list", "pk"))
        .exclude(promised=F("shown"))
    )


def _untranslated(records: QuerySet[Model], user: "AnyUser") -> Any:
    """Published records with a text in one language only, except UN votes."""
    names = {field.name for field in records.model._meta.concrete_fields}
    bases = [name.removesuffix("_en") for name in names if name.endswith("_en")]
    halves = Q()
    for base in bases:
        english, indonesian = Q(**{f"{base}_en": ""}), Q(**{f"{base}_ind": ""})
        halves |= (english & ~indonesian) | (indonesian & ~english)
    return _except_roll_calls(_public(records)).filter(halves)


def _entries_without_ties(lists: QuerySet[AllyList], user: "AnyUser") -> QuerySet[AllyList]:
    """Published lists of ours with an entry that had a tie to the focus, but has none today."""
    tied = Membership.objects.published().filter(
        country=OuterRef("country"),
        alliance__memberships__country=OuterRef("ally_list__focus"),
    )
    today = timezone.localdate()
    in_force = Membership.objects.published().in_force(today)
    now = in_force.filter(
        country=OuterRef("country"),
        alliance__in=in_force.filter(country=OuterRef(OuterRef("ally_list__focus"))).values(
            "alliance"
        ),
    )
    ended = Entry.objects.filter(Exists(tied)).exclude(Exists(now))
    return lists.filter(
        status=Status.PUBLISHED, recorded_from=None, pk__in=ended.values("ally_list")
    )


def _dead_links(sources: QuerySet[Source], user: "AnyUser") -> QuerySet[Source]:
    return sources.filter(pk__in=LinkHealth.objects.dead().values("pk"))


def _failed_schedules(records: QuerySet[Model], user: "AnyUser") -> QuerySet[Model]:
    """Records that could not be published on schedule and are not published yet."""
    noun = records.model._meta.model_name
    failed = Appointment.objects.failed().filter(step="publish", noun=noun)
    return records.filter(
        pk__in=failed.values("record_id"),
        status__in=[Status.DRAFT, Status.IN_REVIEW, Status.WITHDRAWN],
    )


ALERTS: tuple[Alert, ...] = (
    Alert("in-review", _("waiting for review"), _PUBLISHABLE_MODELS, _in_review, "publish"),
    Alert("my-drafts", _("my drafts"), _PUBLISHABLE_MODELS, _my_drafts, is_personal=True),
    Alert("not-kept", _("not published on schedule"), _PUBLISHABLE_MODELS, _failed_schedules),
    Alert(
        "unseen", _("published without a published source"), EVIDENCED_MODELS, _published_but_hidden
    ),
    Alert("without-part", _("without participants"), (Event,), _without_participants),
    Alert("one-source", _("only one independent source"), _CITED_MODELS, _one_source),
    Alert("disputed", _("disputed without a note"), _CITED_MODELS, _disputed_without_note),
    Alert("stale", _("not verified for a long time"), _CITED_MODELS, _evidence_outdated),
    Alert("drift", _("count differs from the headline"), (AllyList,), _headline_mismatch),
    Alert(
        "ties-ended", _("with entries whose ties have ended"), (AllyList,), _entries_without_ties
    ),
    Alert(
        "untranslated",
        _("in one language only"),
        (Alliance, Event, AllyList, Entry),
        _untranslated,
    ),
    Alert("dead-links", _("with a dead link"), (Source,), _dead_links),
)


@dataclass(frozen=True)
class AlertCount:
    """The number of a model's records that an alert applies to, counted up to COUNT_LIMIT + 1."""

    alert: Alert
    model: type[Model]
    count: int

    @property
    def label(self) -> str:
        return f"{capfirst(str(self.model._meta.verbose_name_plural))}: {self.alert.label}"


def format_count(count: int) -> str:
    """Return a count as text: "1000+" if it is above COUNT_LIMIT."""
    return f"{COUNT_LIMIT}+" if count > COUNT_LIMIT else str(count)


def count_alerts(user: Any, may: Callable[[str, Any], bool]) -> Iterator[AlertCount]:
    """Yield the alerts that apply to at least one record, with the number of records.

    ``may`` says which permissions count. Without a user, personal alerts are left out. One query
    per alert and model.
    """
    for concern in ALERTS:
        if concern.is_personal and user is None:
            continue
        for model in concern.models:
            right = concern.right if issubclass(model, Publishable) else "change"
            if may(right, model):
                found = concern.queryset_for(model, user).order_by()[: COUNT_LIMIT + 1].count()
                if found:
                    yield AlertCount(concern, model, found)
