"""Decisions on corrections: once, with an answer; accepting needs a change to the record first."""

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from allies.actions.permissions import AnyUser, has_permission
from allies.actions.proposals import AlreadyDecidedError
from allies.models import ACCEPTED_OUTCOMES, Changeset, Correction, Outcome

if TYPE_CHECKING:
    from allies.models.changeset import ChangesetQuerySet

#: The possible decisions.
DECISIONS = tuple(outcome for outcome in Outcome if outcome != Outcome.WAITING)


def can_decide_corrections(user: AnyUser) -> bool:
    return has_permission(user=user, action="change", record=Correction)


def decide_correction(
    *, correction: Correction, outcome: str, answer: str, user: AnyUser
) -> Correction:
    """Decide on a waiting correction, and return it.

    Raises PermissionDenied without the permission, AlreadyDecidedError if somebody else decided
    first. Raises ValidationError if the outcome is invalid, a needed answer is missing, or the
    correction is accepted before the record was changed.
    """
    if not can_decide_corrections(user):
        raise PermissionDenied
    answer = answer.strip()
    if outcome not in DECISIONS:
        raise ValidationError(_("Choose one of the four outcomes."))
    if len(answer) > 1000:
        raise ValidationError(_("The answer is limited to 1,000 characters."))
    if outcome == Outcome.DECLINED and not answer:
        raise ValidationError(_("Give a reason for declining it."))
    with transaction.atomic():
        fresh: Correction = Correction.objects.select_for_update(of=("self",)).get(pk=correction.pk)
        if not fresh.is_waiting:
            raise AlreadyDecidedError
        if outcome in ACCEPTED_OUTCOMES and not changesets_for(fresh).exists():
            raise ValidationError(
                _(
                    "The record has not been changed for this correction yet. Edit "
                    "it from here, have the edit approved, then accept the "
                    "correction."
                )
            )
        fresh.compare_and_set(
            outcome=outcome, answer=answer, decided_by=user.pk, decided_at=timezone.now()
        )
    return fresh


def changesets_for(correction: Correction) -> "ChangesetQuerySet":
    """Return the changesets that were made for a correction and not undone."""
    return Changeset.objects.not_undone().filter(correction=correction)
