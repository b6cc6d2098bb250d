"""Merging two records of one type: one is kept, and all references to the other point to it."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _

from allies.actions.apply_changes import (
    edit_transaction,
    ensure_still_publishable,
    full_clean_and_save,
    new_changeset,
)
from allies.actions.permissions import AnyUser, can_change, can_write, has_permission
from allies.actions.table_locks import lock_tables
from allies.history.snapshots import children_of, content_fields, is_parent_fk
from allies.models import (
    Alias,
    Alliance,
    Appointment,
    Changeset,
    ChangesetKind,
    Correction,
    OldSlug,
    PreviewLink,
    Publishable,
    Record,
    Source,
    Status,
    record_models,
    url_field,
)
from allies.models.registry import foreign_keys_to, get_record_model
from allies.models.translation import SUFFIXES, LocalizedText
from allies.text.normalize import normalize_text

KEEP, DROP = "keep", "drop"

#: Longest alternative name, in characters.
_LONGEST_NAME = Alias._meta.get_field("name").max_length or 0


def fields_to_choose(model: type[models.Model]) -> "list[models.Field[object, object]]":
    """Return the fields for which a value can be chosen: all but the record's address."""
    return [field for field in content_fields(model) if field.name != url_field(model)]


def can_merge(*, user: AnyUser, record: models.Model) -> bool:
    """Return whether the user may merge this record with another; checks only this record."""
    return (
        isinstance(record, Publishable)
        and can_write(user=user, record=record)
        and has_permission(user=user, action="delete", record=record)
    )


def count_references(record: models.Model) -> list[tuple[type[Record], int]]:
    """Return (model, number) of the references to a record; one query per foreign key."""
    counts: dict[Any, int] = {}
    for model, field in foreign_keys_to(type(record)):
        number = model._default_manager.filter(**{field.name: record}).count()
        counts[model] = counts.get(model, 0) + number
    return [(model, number) for model, number in counts.items() if number]


def count_ending(record: models.Model) -> dict[type[models.Model], models.QuerySet[models.Model]]:
    """Return the scheduled steps and working preview links that end if a record is merged away.

    A scheduled step ends because a step set for one record must not be applied to another. A link
    ends because it was given to read this record only. An undo of the merge does not restore them.
    """
    return {
        Appointment: Appointment.objects.waiting().about(record),
        PreviewLink: PreviewLink.objects.valid().about(record),
    }


def merge_records(
    *,
    keep: Publishable,
    drop: Publishable,
    chosen: Mapping[str, str],
    user: AnyUser,
    reason: str = "",
    public_note: str = "",
) -> Changeset:
    """Merge ``drop`` into ``keep``, then delete ``drop``.

    ``keep`` gets the references to ``drop``, its address, and its values of the fields that
    ``chosen`` maps to ``DROP``. The scheduled steps of ``drop`` are cancelled and its preview links
    revoked.

    The titles that an alliance loses become its alternative names. If both have the same part, that
    of ``keep`` stays. If an error is raised, nothing is written:
    PermissionDenied without the permissions for all records that are written, ValidationError if
    the result breaks a rule, EvidenceLost if a public record would be left without a source.
    """
    changeset = new_changeset(
        record=keep, user=user, kind=ChangesetKind.MERGE, reason=reason, public_note=public_note
    )
    with edit_transaction(changeset, user=user):
        lock_tables(record_models())
        keep, drop = _reload(keep), _reload(drop)
        _require_mergeable(keep, drop, user)
        with ensure_still_publishable(keep):
            _Merging(keep, drop, chosen, user).run()
        _end_steps_and_links(drop)
        changeset.merge_effects = {
            **_redirect_slugs(keep, drop),
            "corrections": _reassign_corrections(keep, drop),
        }
    return changeset


def _reload(record: Publishable) -> Publishable:
    fresh = type(record)._default_manager.filter(pk=record.pk).first()
    if fresh is None:
        raise ValidationError(_("“%(record)s” no longer exists.") % {"record": record})
    return fresh


def _require_mergeable(keep: models.Model, drop: Publishable, user: AnyUser) -> None:
    """Raise an error if these two cannot be merged, or not by this user."""
    if type(keep) is not type(drop) or keep.pk == drop.pk or not isinstance(keep, Publishable):
        raise ValidationError(_("Choose another record of the same type."))
    if not can_merge(user=user, record=keep) or not can_merge(user=user, record=drop):
        raise PermissionDenied
    if drop.is_published and not keep.is_published:
        raise ValidationError(
            _(
                "“%(drop)s” is published and “%(keep)s” is not. Keep the "
                "published one, or publish the other first."
            )
            % {"drop": drop, "keep": keep}
        )
    if Changeset.objects.proposed().about(drop).exists():
        raise ValidationError(
            _("“%(drop)s” has open proposals. Decide on them first.") % {"drop": drop}
        )


class _Merging:
    """The writes of one merge, inside its changeset."""

    def __init__(self, keep: Any, drop: Any, chosen: Mapping[str, str], user: AnyUser) -> None:
        self.keep = keep
        self.drop = drop
        self.user = user
        self.takes_values = DROP in chosen.values()
        self.names = [*_titles(keep), *_titles(drop)]
        for field in fields_to_choose(type(keep)):
            if chosen.get(field.name, KEEP) == DROP:
                setattr(keep, field.attname, getattr(drop, field.attname))
        if isinstance(keep, Source):
            self._settle_derivation()

    def _settle_derivation(self) -> None:
        """Make sure that the merged source is not derived from either of the two.

        Follow the chain of sources up to one that is neither. The result is written immediately and
        without a version, so that validation of moved records sees no false cycle. The version is
        written when the kept source is saved.
        """
        parents = {
            r.pk: type(r).objects.values_list("derived_from", flat=True).get(pk=r.pk)
            for r in (self.keep, self.drop)
        }
        parent = self.keep.derived_from_id
        # If the chosen value leads back to the kept source, use the other derivation.
        while parent in parents:
            parent = parents.pop(parent)
        self.keep.derived_from_id = parent
        Source.objects.filter(pk=self.keep.pk).update(derived_from=parent)

    def run(self) -> None:
        self._move(self.drop, self.keep)
        if self.drop.is_published:
            self.drop.status = Status.WITHDRAWN
            self.drop._history_user = self.user
            self.drop.save(update_fields=["status"])
        self._delete(self.drop)
        self._write(self.keep)
        self._keep_names()
        if self.takes_values:
            self._check_parts()
        if isinstance(self.keep, Source):
            Source.objects.recompute_origins()

    def _move(self, old: models.Model, new: models.Model) -> None:
        """Point all references to ``old`` at ``new``; if both have one, keep that of ``new``."""
        for model, field in foreign_keys_to(type(old)):
            for record in model._default_manager.filter(**{field.name: old}).order_by(
                *_order(model)
            ):
                self._require(record, "change")
                setattr(record, field.name, new)
                if twin := _existing_counterpart(record, field):
                    self._require(record, "delete")
                    self._move(record, twin)
                    self._delete(record)
                    continue
                if is_parent_fk(field) and _has_position(model):
                    record.position = _last_position(model, field, new) + 1
                self._require(record, "change")
                self._write(record)

    def _keep_names(self) -> None:
        """Make the titles that the merged alliance lost its alternative names."""
        if not isinstance(self.keep, Alliance):
            return
        known = {normalize_text(alias.name) for alias in self.keep.aliases.all()}
        known.update(normalize_text(title) for title in _titles(self.keep))
        for title in self.names:
            folded = normalize_text(title)
            if folded in known or len(title) > _LONGEST_NAME:
                continue
            known.add(folded)
            self._write(Alias(alliance=self.keep, name=str(title), language=title.lang))

    def _require(self, record: Record, action: str) -> None:
        """Raise PermissionDenied if the user may not write a record that the merge changes."""
        allowed = has_permission(user=self.user, action=action, record=record)
        if not allowed or not can_change(user=self.user, record=record):
            raise PermissionDenied

    def _write(self, record: Record) -> None:
        record._history_user = self.user
        full_clean_and_save(record, exclude=["origin"])  # recomputed at the end

    def _delete(self, record: Record) -> None:
        # Reload the record, so that the version of its deletion has its current values.
        fresh = type(record)._default_manager.get(pk=record.pk)
        fresh._history_user = self.user
        fresh.delete()

    def _check_parts(self) -> None:
        """Raise ValidationError if a part contradicts the new values of its record."""
        for model, field in children_of(type(self.keep)):
            for part in model._default_manager.filter(**{field.name: self.keep}):
                try:
                    part.clean()
                except ValidationError as error:
                    texts = [f"{part}: {text}" for text in error.messages]
                    raise ValidationError(texts) from error


def _titles(record: models.Model) -> list[LocalizedText]:
    """Return an alliance's titles, each with its language; [] for other records."""
    if not isinstance(record, Alliance):
        return []
    titles = ((getattr(record, f"title_{suffix}"), code) for code, suffix in SUFFIXES.items())
    return [LocalizedText(title, code) for title, code in titles if title]


def _order(model: type[models.Model]) -> list[str]:
    return ["position", "pk"] if _has_position(model) else ["pk"]


def _has_position(model: type[models.Model]) -> bool:
    return any(field.name == "position" for field in model._meta.concrete_fields)


def _last_position(
    model: type[models.Model], field: "models.Field[object, object]", owner: models.Model
) -> int:
    found = model._default_manager.filter(**{field.name: owner})
    return found.aggregate(last=models.Max("position"))["last"] or 0


def _existing_counterpart(record: Any, field: "models.Field[object, object]") -> Record | None:
    """Return the record that a moved record would duplicate; None if there is none."""
    model = type(record)
    for constraint in model._meta.constraints:
        if not isinstance(constraint, models.UniqueConstraint):
            continue
        if field.name not in constraint.fields:
            continue
        place = {
            name: getattr(record, model._meta.get_field(name).attname) for name in constraint.fields
        }
        if None in place.values():
            continue
        if twin := model._default_manager.filter(**place).exclude(pk=record.pk).first():
            return twin
    return None


def _end_steps_and_links(drop: models.Model) -> None:
    """Cancel the scheduled steps of a record, and revoke its preview links."""
    waiting = count_ending(drop)[Appointment]
    # Skip steps that a job is applying now: it will find no record, and waiting could deadlock.
    idle = list(waiting.select_for_update(skip_locked=True).values_list("pk", flat=True))
    Appointment.objects.filter(pk__in=idle).delete()
    links = PreviewLink.objects.about(drop).filter(revoked_at=None)
    links.update(revoked_at=timezone.now())


# Addresses.


def _redirect_slugs(keep: models.Model, drop: models.Model) -> dict[str, object]:
    """Redirect the addresses of ``drop``, including old ones, to ``keep``; return where they led.

    The result maps each slug to the id of the record that had it as an old slug, or to None. An
    address that another record gave up earlier still leads there, and is left out.
    """
    model, noun = type(keep), keep._meta.model_name
    led: dict[str, int | None] = dict(
        OldSlug.objects.filter(noun=noun, record_id=drop.pk).values_list("slug", "record_id")
    )
    own = getattr(drop, url_field(model))
    before = OldSlug.objects.record_id(model, own)
    _set_redirects(model, {*led, own}, drop.pk, keep.pk)
    if OldSlug.objects.record_id(model, own) == keep.pk:
        led[own] = before
    return {"dropped": drop.pk, "redirects": led}


def _reassign_corrections(keep: models.Model, drop: models.Model) -> list[int]:
    """Move the readers' corrections about ``drop`` to ``keep``; return their ids."""
    corrections = Correction.objects.about(drop)
    ids = list(corrections.order_by("pk").values_list("pk", flat=True))
    corrections.update(record_id=keep.pk)
    return ids


def _set_redirects(
    model: type[models.Model], slugs: Iterable[str], dropped: int, kept: int
) -> None:
    """Redirect slugs to the kept record if they led to the dropped one or to no record."""
    rows = OldSlug.objects.filter(noun=model._meta.model_name, slug__in=slugs)
    rows.filter(record_id=dropped).update(record_id=kept)
    OldSlug.objects.remember(model, [(slug, kept) for slug in slugs])


def restore_redirects(changeset: Changeset) -> None:
    """Restore redirects and corrections after a merge was undone or redone.

    These are the addresses of the merged record, and the readers' corrections about it.
    """
    if changeset.kind != ChangesetKind.MERGE:
        return
    noun, kept, merged = changeset.about_noun, int(changeset.about_id or 0), changeset.merge_effects
    model = get_record_model(noun)
    is_merged = not model._default_manager.filter(pk=merged["dropped"]).exists()
    Correction.objects.filter(pk__in=merged.get("corrections", [])).update(
        record_id=kept if is_merged else merged["dropped"]
    )
    if is_merged:
        _set_redirects(model, merged["redirects"], merged["dropped"], kept)
        return
    for slug, before in merged["redirects"].items():
        # Another record may have given up the same address since the merge.
        rows = OldSlug.objects.filter(noun=noun, slug=slug, record_id=kept)
        if before is None:
            rows.delete()
        else:
            rows.update(record_id=before)
