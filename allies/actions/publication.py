"""Status changes of a record: from draft to published and back."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from allies.actions.editions import create_edition_if_new
from allies.actions.permissions import AnyUser, has_permission
from allies.models import AllyList, Appointment, Publishable, Status
from allies.models.base import PublicationIssue


class NotPublishableError(Exception):
    """The record is incomplete; ``missing`` lists everything that it lacks."""

    def __init__(self, record: Publishable, missing: list[PublicationIssue]) -> None:
        super().__init__(" ".join(missing))
        self.record = record
        self.missing = missing


class WrongStatusError(Exception):
    """The step is not possible from the current status of the record."""


#: Step → (statuses it starts from, status it leads to, permission it needs).
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
    """Return the steps that this user may apply to this record in its current status."""
    return [
        step
        for step, (starts, _end, right) in TRANSITIONS.items()
        if record.status in starts and has_permission(user=user, action=right, record=record)
    ]


def statuses_after(status: str) -> list[str]:
    """Return the statuses that are one step away from this one, in their usual order."""
    ends = {end for starts, end, _right in TRANSITIONS.values() if status in starts}
    return [str(status) for status in Status if status in ends]


@transaction.atomic
def apply_transition(
    *, record: Publishable, step: str, user: AnyUser, reason: str = "", is_scheduled: bool = False
) -> int:
    """Apply a step to a record: submit, publish, withdraw or reopen it.

    A step that was not scheduled cancels the scheduled steps that it overtakes; returns how many.

    Raises PermissionDenied without the permission, WrongStatusError if the step is not possible
    from the current status, NotPublishableError if something is missing, EvidenceLost if
    withdrawing a source would leave a public record without one. Publishing a list creates an
    edition of it.
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
    """Delete the scheduled steps that a step overtakes; return how many of them were waiting.

    A publication does not cancel a scheduled withdrawal. A step that was itself scheduled deletes
    no waiting ones.
    """
    appointments = Appointment.objects.about(record)
    if step == "publish":
        appointments = appointments.filter(step=step)
        appointments.failed().delete()
    return 0 if is_scheduled else appointments.waiting().delete()[0]
