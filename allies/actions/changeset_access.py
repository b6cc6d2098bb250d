"""Which changesets a user may view: one rule, for lists and for single changesets."""

from django.db.models import Q

from allies.actions.permissions import AnyUser, has_permission
from allies.models import BACKGROUND_KINDS, Changeset, ChangesetState, record_models

#: States of a proposal that was not applied.
_PROPOSAL_STATES = (ChangesetState.PROPOSED, ChangesetState.DECLINED)


class ChangesetAccess:
    """The changesets that a user may see.

    They are the user's own, all applied ones if the user may view changesets, and proposals about
    records that the user may change. Runs no queries of its own.
    """

    def __init__(self, user: AnyUser) -> None:
        self._user_id = user.pk
        self._sees_applied = has_permission(user=user, action="view", record=Changeset)
        self._imports = any(
            has_permission(user=user, action="import", record=model) for model in record_models()
        )
        self._nouns = {
            str(model._meta.model_name)
            for model in record_models()
            if has_permission(user=user, action="change", record=model)
        }

    def __bool__(self) -> bool:
        """Return whether the list of changesets is useful to the user."""
        return self._sees_applied or self._imports or bool(self._nouns)

    def condition(self) -> Q:
        """Return the rule as a condition for a queryset of changesets."""
        proposals = Q(state__in=_PROPOSAL_STATES, about_noun__in=self._nouns)
        allowed = Q(created_by=self._user_id) | (proposals & ~Q(kind__in=BACKGROUND_KINDS))
        return allowed | Q(state=ChangesetState.APPLIED) if self._sees_applied else allowed

    def allows(self, changeset: Changeset) -> bool:
        """Return whether the rule allows this changeset."""
        if changeset.created_by_id == self._user_id:
            return True
        if changeset.state == ChangesetState.APPLIED:
            return self._sees_applied
        is_proposal = changeset.state in _PROPOSAL_STATES and changeset.kind not in BACKGROUND_KINDS
        return is_proposal and changeset.about_noun in self._nouns
