"""The way of a record from draft to readers and back."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from allies.actions.editions import create_edition_if_new
from allies.actions.permissions import AnyUser, has_permission
from allies.models import AllyList, Appointment, Publishable, Status
from allies.models.base import PublicationIssue


class NotPublishableError(Exception):
    """A record that is not complete; ``missing`` says what it lacks, all at once."""

    def __init__(self, record: Publishable, missing: list[PublicationIssue]) -> None:
        super().__init__(" ".join(missing))
        self.record = record
        self.missing = missing


class WrongStatusError(Exception):
    """A step that does not lead on from where the record stands."""


#: Step → (statuses it starts from, status it leads to, the right it takes).
TRANSITIONS: dict[str, tuple[frozenset[str], str, str]] = {
    "submit": (frozenset({Status.DRAFT}), Status.IN_REVIEW, "change"),
    "publish": (
        frozenset({Status.DRAFT, Status.IN_REVIEW, Status.WITHDRAWN}),
        Status.PUBLISHED,
        "publish",
    ),
    "withdraw": (frozenset({Status.PUBLISHED}), Status.WITHDRAWN, "publish"),
    "reopen": (frozenset({Status.IN_REVIEW, Status.WITHDRAWN}), Status.DRAFT, "change"),
}


def available_transitions(*, record: Publishable, user: AnyUser) -> list[str]:
    """Return the steps this user may take with this record as it stands."""
    return [
        step
        for step, (starts, _end, right) in TRANSITIONS.items()
        if record.status in starts and has_permission(user=user, action=right, record=record)
    ]


def statuses_after(status: str) -> list[str]:
    """Return the statuses that one step leads to from this one, in their usual order."""
    ends = {end for starts, end, _right in TRANSITIONS.values() if status in starts}
    return [str(status) for status in Status if status in ends]


@transaction.atomic
def apply_transition(
    *, record: Publishable, step: str, user: AnyUser, reason: str = "", is_scheduled: bool = False
) -> int:
    """Take a record one step on: submit, publish, withdraw or reopen it.

    A step that is not a scheduled one calls off those that were; return how many.

    Raises PermissionDenied without the right, WrongStatus where the step does not lead on from
    here, NotPublishable where something is missing, EvidenceLost where withdrawing a source would
    leave something public without one. A list that is published is frozen as an edition.
    """
    starts, end, right = TRANSITIONS[step]
    fresh = type(record)._default_manager.select_for_update(of=("self",)).get(pk=record.pk)
    if not has_permission(user=user, action=right, record=fresh):
        raise PermissionDenied
    if fresh.status not in starts:
        raise WrongStatusError(
            _("“%(record)s” is %(status)s.")
            % {"record": fresh, "status": Status(fresh.status).label}
        )
    if end == Status.PUBLISHED and (missing := fresh.blocking_issues()):
        raise NotPublishableError(fresh, missing)
    fresh.status = end
    fresh._change_reason = reason
    fresh._history_user = user
    fresh.save(update_fields=["status"])
    record.status = end
    if step == "publish" and isinstance(fresh, AllyList):
        create_edition_if_new(ally_list=fresh, user=user)
    return _cancel_overtaken_schedules(fresh, step, is_scheduled)


def _cancel_overtaken_schedules(record: Publishable, step: str, is_scheduled: bool) -> int:
    """Delete the appointments that a step overtakes; return how many of them were waiting.

    A withdrawal to come may still follow a publication.
    """
    appointments = Appointment.objects.about(record)
    if step == "publish":
        appointments = appointments.filter(step=step)
        appointments.failed().delete()
    return 0 if is_scheduled else appointments.waiting().delete()[0]
