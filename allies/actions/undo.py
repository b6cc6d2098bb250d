"""Undo a changeset, with SQL over the versions it wrote.

Records that the changeset created are deleted, changed ones are restored, and deleted ones are
recreated. Two kinds of record are skipped and reported, with their parts: records that were edited
later, and created records that other records refer to. The editor can choose to undo the edited
ones too.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from allies.actions.merge import restore_redirects
from allies.actions.permissions import (
    AnyUser,
    can_write,
    has_permission,
    reload_user,
    require_publish_right,
)
from allies.actions.table_locks import lock_tables
from allies.actions.undo_plan import MAX_SKIPPED_SHOWN, UndoPlan, UndoReport
from allies.evidence.guards import EVIDENCED_MODELS, EvidenceLost, published_but_unsupported
from allies.history.clock import next_history_timestamp
from allies.models import (
    BACKGROUND_KINDS,
    Changeset,
    ChangesetKind,
    ChangesetState,
    OldSlug,
    Publishable,
    Source,
    record_models,
)
from allies.models.registry import get_record_model
from allies.search.index import reindex_changeset

Progress = Callable[[str, int], None]


class UndoError(Exception):
    """A changeset cannot be undone; the message says why."""


def can_undo(*, user: AnyUser, changeset: Changeset) -> bool:
    """Return whether the user may undo a changeset.

    The permission to undo is enough, and required for imports. Other changesets about one record
    can also be undone by users who may change the record or, if it was deleted, may add and change
    such records. The permissions for each record that the undo writes are not checked here.
    """
    if has_permission(user=user, action="undo", record=Changeset):
        return True
    first = _original_changeset(changeset)
    if first.kind in BACKGROUND_KINDS or not first.about_noun:
        return False
    if (record := first.about) is not None:
        return can_write(user=user, record=record)
    model = get_record_model(first.about_noun)
    return all(
        has_permission(user=user, action=action, record=model) for action in ("add", "change")
    )


def _original_changeset(changeset: Changeset) -> Changeset:
    """Return the first changeset in a chain of undos of undos."""
    while changeset.undoes is not None:
        changeset = changeset.undoes
    return changeset


def preview_undo(
    *, changeset: Changeset, also: frozenset[str] = frozenset(), user: AnyUser | None = None
) -> UndoReport:
    """Report what an undo would do, without writing anything; ``also`` as for ``undo_changeset``.

    If ``user`` lacks a permission, ``refusal`` of the report says which; nothing is raised. Raises
    UndoError if the changeset was not applied or is already undone.
    """
    _refuse_wrong_state(changeset)
    with UndoPlan(changeset, also) as sets:
        report = sets.report()
        report.unsupported = sets.left_unsupported()
        if user is not None:
            try:
                _require_rights(user, changeset, sets, report)
            except PermissionDenied as missing:
                report.refusal = str(missing)
        return report


#: What an undo does to records → the permission to do so by hand.
_RIGHTS = {"deleted": "delete", "restored": "change", "returned": "add"}


def _require_rights(
    user: AnyUser, changeset: Changeset, sets: UndoPlan, report: UndoReport
) -> None:
    """Raise PermissionDenied, or PublishRightMissing, if the user may not do what an undo does.

    The permission to undo replaces those for each record type, but not the permission to publish.
    """
    if not can_undo(user=user, changeset=changeset):
        raise PermissionDenied(
            _("The person who requested this no longer has permission to do it.")
        )
    if not has_permission(user=user, action="undo", record=Changeset):
        for name, counts in report.counts.items():
            model = get_record_model(name)
            for what, action in _RIGHTS.items():
                if counts.get(what) and not has_permission(user=user, action=action, record=model):
                    raise PermissionDenied(
                        _(
                            "This would also change %(noun)s, and you don’t have "
                            "permission to do that. Ask an administrator."
                        )
                        % {"noun": model._meta.verbose_name_plural}
                    )
    require_publish_right(user=user, states=sets.states)


@transaction.atomic
def undo_changeset(
    *,
    changeset: Changeset,
    by: Changeset,
    user: AnyUser | None,
    also: frozenset[str] = frozenset(),
    progress: Progress | None = None,
) -> UndoReport:
    """Undo a changeset, as the changeset ``by``, in one transaction.

    ``also`` holds the keys (``SkippedRecord.key``) of later edited records that are to be undone
    too, or ``all``. Permissions are not checked if ``user`` is None (the command line).
    ``progress`` is called with a model name and the number of records written so far.

    Raises UndoError if the changeset was not applied or is already undone. Raises PermissionDenied
    if the user may not undo it, PublishRightMissing if a record was or becomes public and the user
    may not publish. Raises EvidenceLost if a public record would be left without a source,
    IntegrityError if the earlier state is no longer possible.
    """
    tell = progress or (lambda noun, rows: None)
    lock_tables(record_models())
    _refuse_wrong_state(changeset)
    before = _unsupported()
    now = next_history_timestamp()
    if by.pk is None:
        by.save()
    with UndoPlan(changeset, also) as sets:
        report = sets.report()
        if user is not None:
            _require_rights(reload_user(user), changeset, sets, report)
        given_up = sets.slugs_given_up()
        done = 0
        for step in (sets.delete, sets.restore, sets.recreate_deleted):
            for model, rows in step(by, now):
                done += rows
                tell(model._meta.model_name, done)
    for model, slugs in given_up.items():
        _settle_slugs(model, slugs, remember=_is_plain_undo(changeset))
    restore_redirects(_original_changeset(changeset))
    Source.objects.recompute_origins()
    reindex_changeset(by)
    _refuse_lost_support(before)
    return report


def new_undo_changeset(
    changeset: Changeset, *, user: AnyUser | None, reason: str = ""
) -> Changeset:
    """Return an unsaved changeset for the undo of this one."""
    return Changeset(
        kind=ChangesetKind.UNDO,
        undoes=changeset,
        reason=reason,
        listed=changeset.listed,
        created_by_id=user.pk if user else None,
    )


def _is_plain_undo(changeset: Changeset) -> bool:
    """Return whether a changeset is an undo that reverts the original change.

    An undo of an undo does not: it restores that change.
    """
    depth, done = 0, changeset
    while done.undoes is not None:
        depth, done = depth + 1, done.undoes
    return depth % 2 == 1


def _settle_slugs(model: type[Model], slugs: list[tuple[str, int]], *, remember: bool) -> None:
    """Delete the old slugs that records have again.

    With ``remember``, the slugs that records gave up become old slugs.
    """
    ids = [record_id for _slug, record_id in slugs]
    noun = model._meta.model_name
    for record_id, slug in model._default_manager.filter(pk__in=ids).values_list("pk", "slug"):
        OldSlug.objects.filter(noun=noun, slug=slug, record_id=record_id).delete()
    if remember:
        OldSlug.objects.remember(model, slugs)


def _refuse_wrong_state(changeset: Changeset) -> None:
    fresh: Any = Changeset.objects.with_undone().get(pk=changeset.pk)
    if fresh.state != ChangesetState.APPLIED:
        raise UndoError(_("This changeset was never applied, so there is nothing to undo."))
    if fresh.is_undone:
        raise UndoError(_("This changeset has already been undone."))


def _unsupported() -> dict[type[Publishable], set[int]]:
    """Return model → ids of the records marked published that no published source supports."""
    return {
        model: set(published_but_unsupported(model).values_list("pk", flat=True))
        for model in EVIDENCED_MODELS
    }


def _refuse_lost_support(before: Mapping[type[Publishable], set[int]]) -> None:
    for model, now in _unsupported().items():
        lost = now - before[model]
        if lost:
            named = model._default_manager.filter(pk__in=list(lost)[:MAX_SKIPPED_SHOWN])
            raise EvidenceLost(evidence_loss_message([str(record) for record in named]))


def evidence_loss_message(records: list[str]) -> str:
    """Return the message that an undo would leave these records without a source."""
    return _(
        "These records would be left without a published source: "
        "%(records)s. Cite another source first."
    ) % {"records": "; ".join(records)}
