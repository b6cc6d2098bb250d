"""Save a form as a changeset, or as a proposal if the record changed or the user may not save it.

A form carries a snapshot of the record from when it was opened. If the record is unchanged and the
user may change it, the form is saved. Otherwise the form is applied to that snapshot in a
transaction that is rolled back, and the resulting changes are saved as a proposal. A form without
a valid snapshot is not saved, but shown again with a new snapshot.
"""

from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core import signing
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Model
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from allies.actions.apply_changes import (
    IncompleteRecord,
    edit_transaction,
    ensure_still_publishable,
    new_changeset,
    restore_rows_unversioned,
)
from allies.actions.permissions import PublishRightMissing, can_change, has_permission
from allies.actions.proposals import propose
from allies.actions.scheduling import renew_schedule
from allies.admin.mixins import FormContextMixin
from allies.evidence.guards import EvidenceLost
from allies.form_submissions.kept_forms import keep_for_new_record, to_post_data
from allies.history.snapshots import (
    Snapshot,
    diff_snapshots,
    get_root_record,
    snapshot_key,
    take_snapshot,
    with_placeholder_ids,
)
from allies.models import Changeset, ChangesetKind, Correction, Outcome, Record, url_field

#: The form field with the snapshot. It is signed, so that the client cannot change it.
SNAPSHOT_FIELD = "_opened"
#: The form field with the id of the reader's correction that the edit answers.
CORRECTION_FIELD = "_correction"
_SALT = "allies.opened"


class RequiresPublishPermission(ValidationError):
    """The saved data would become part of a record that the user may not change."""

    def __init__(self, root: Model) -> None:
        super().__init__(
            _(
                "This would be public immediately, and you don’t have "
                "permission to publish. Ask a reviewer."
            )
        )
        self.root = root


class UnknownVersion(ValidationError):
    """A form has no valid snapshot, so it might overwrite the changes of somebody else."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "Not saved: it is unknown which version of the record this form was opened with. "
                "Someone else may have changed the record since. Compare it with the history, "
                "then save again."
            )
        )


def is_proposing(request: HttpRequest) -> bool:
    """Return whether the form is only tried out, to turn its changes into a proposal."""
    return getattr(request, "proposing", None) is not None


def sign_snapshot(record: Model, dossier: Snapshot) -> str:
    """Return a signed snapshot for use in a form."""
    return signing.dumps([snapshot_key(record), dossier], salt=_SALT, compress=True)


def load_signed_snapshot(text: str, record: Model) -> Snapshot | None:
    """Return the snapshot of this record from a form; None if it is missing or invalid."""
    try:
        key, dossier = signing.loads(text, salt=_SALT)
    except (signing.BadSignature, ValueError):
        return None
    return dossier if key == snapshot_key(record) else None


def get_correction(request: HttpRequest, root: Model) -> Correction | None:
    """Return the reader's correction that a form answers, if it is about this record.

    Return None if it was declined or marked as spam, or if the user may not view corrections.
    """
    number = request.POST.get(CORRECTION_FIELD) or request.GET.get("correction", "")
    if root.pk is None or not (number.isdecimal() and len(number) < 19):
        return None
    if not has_permission(user=request.user, action="view", record=Correction):
        return None
    open_ones = Correction.objects.all().exclude(outcome__in=[Outcome.DECLINED, Outcome.SPAM])
    found: Correction | None = open_ones.about(root).filter(pk=number).first()
    return found


def get_merge_target(model: type[Record], number: str) -> Record | None:
    """Return the record that the one with this id was merged into, directly or through others.

    Return None if it was not merged, or if that record is gone too.
    """
    found, seen = None, set()
    while found is None and number.isdecimal() and len(number) < 19 and number not in seen:
        seen.add(number)
        merges = Changeset.objects.not_undone().filter(
            kind=ChangesetKind.MERGE,
            about_noun=model._meta.model_name,
            merge_effects__dropped=int(number),
        )
        number = str(merges.order_by("-pk").values_list("about_id", flat=True).first() or "")
        found = model._default_manager.filter(pk=number).first() if number else None
    return found


class EditingMixin(FormContextMixin):
    """Base of model admins whose forms are saved as a changeset or a proposal."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        def view() -> HttpResponse:
            return super(EditingMixin, self).changeform_view(
                request, object_id, form_url, extra_context
            )

        if kept := getattr(request, "kept", None):
            request.kept = None  # type: ignore[attr-defined]
            request.method, request.POST = "POST", to_post_data(kept)  # type: ignore[assignment]
            if object_id and self.get_object(request, unquote(object_id)) is None:
                response = self._keep_as_new(request, object_id)
                if self.has_add_permission(request):
                    kept.delete()  # it is replaced by a saved form for a new record
                return response
            # It is not saved now, either.
            request.refusal = [_("Not saved yet.")]  # type: ignore[attr-defined]
            return view()
        if request.method != "POST":
            return view()
        try:
            return self._saved(request, object_id, view)
        except (
            EvidenceLost,
            IncompleteRecord,
            RequiresPublishPermission,
            UnknownVersion,
            PublishRightMissing,
            IntegrityError,
        ) as refusal:
            # Show the form again, with everything that was typed, and the reason.
            if isinstance(refusal, PublishRightMissing):
                texts = [str(refusal)]
            else:
                texts = getattr(refusal, "messages", None) or [
                    _(
                        "Someone else has just saved a change that this would "
                        "overwrite. Reload the record."
                    )
                ]
            request.refusal = texts  # type: ignore[attr-defined]
            request.proposing = None  # type: ignore[attr-defined]
            return view()

    def _saved(self, request: HttpRequest, object_id: str | None, view: Any) -> HttpResponse:
        record = self.get_object(request, unquote(object_id)) if object_id else None
        if object_id and record is None:
            return self._keep_as_new(request, object_id)
        try:
            root = get_root_record(record) if record is not None else None
        except ObjectDoesNotExist:  # deleted since the previous line, with all its parts
            return self._keep_as_new(request, str(object_id))
        if root is not None and not self.has_change_permission(request, record):
            return view()  # the view refuses it
        with transaction.atomic():
            opened = now = None
            if root is not None:
                now = take_snapshot(root, lock=True)
                if snapshot_key(record) not in now:
                    return self._keep_as_new(request, str(object_id))
                root.refresh_from_db()
                opened = load_signed_snapshot(request.POST.get(SNAPSHOT_FIELD, ""), root)
                if opened is None:
                    raise UnknownVersion
            if root is None or (opened == now and can_change(user=request.user, record=root)):
                try:
                    return self._written(request, root or self.model(), view)
                except RequiresPublishPermission as would:
                    # a part is moved into a public record, which a proposal cannot express
                    if root is not None:
                        raise
                    root = would.root
        return self._proposed(request, root, opened, view, object_id)

    def _keep_as_new(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Redirect to the add form, filled with the data sent for a record that is gone.

        Users who may not add records are redirected without the data.
        """
        address = None
        other = get_merge_target(self.model, unquote(object_id))
        if self.has_add_permission(request):
            changed = self._without_old_rows(request)
            if other is not None:  # its address redirects to the other record
                changed[url_field(self.model)] = ""
            path = reverse(f"admin:allies_{self.model._meta.model_name}_add")
            address = keep_for_new_record(request, path=path, changed=changed)
        if other is not None:
            name = f"admin:allies_{self.model._meta.model_name}_change"
            there = format_html('<a href="{}">{}</a>', reverse(name, args=[other.pk]), other)
            said = format_html(_("This record was merged into “{}” while you had it open."), there)
            messages.warning(request, said)
        elif address is not None:
            messages.warning(request, _("This record was deleted while you had it open."))
        if address is not None:
            return HttpResponseRedirect(address)
        return self._get_obj_does_not_exist_redirect(  # type: ignore[attr-defined]
            request, self.opts, object_id
        )

    def _without_old_rows(self, request: HttpRequest) -> dict[str, str]:
        """Return new values for the form fields that refer to the old record and its rows."""
        changed = {SNAPSHOT_FIELD: ""}
        for inline in self.get_inline_instances(request):
            rows: Any = inline.get_formset(request)
            prefix = f"{rows.get_default_prefix()}-"
            of_old = {rows.model._meta.pk.name, rows.fk.name}
            sent = [name for name in request.POST if name.startswith(prefix)]
            changed |= {name: "" for name in sent if name.rpartition("-")[2] in of_old}
            changed[f"{prefix}INITIAL_FORMS"] = "0"
        return changed

    def _written(self, request: HttpRequest, root: Record, view: Any) -> HttpResponse:
        """Save the form as an edit; cancel a scheduled publication that the user may not renew.

        Raises IncompleteRecord if a public record would become incomplete, and whatever
        ``edit_transaction`` and ``save_model`` raise.
        """
        with (
            edit_transaction(self._changeset(request, root), user=request.user),
            ensure_still_publishable(root),
            renew_schedule(record=root, user=request.user) as void,
        ):
            response = view()
        if void:
            messages.warning(
                request,
                _(
                    "It was scheduled for publication. You changed it and don’t "
                    "have permission to publish, so the schedule was cancelled. "
                    "Ask a reviewer to check it and schedule it again."
                ),
            )
        # Stays true even if something is refused afterwards.
        request.is_saved = True  # type: ignore[attr-defined]
        return response

    def _proposed(
        self,
        request: HttpRequest,
        root: Any,
        opened: Snapshot | None,
        view: Any,
        object_id: str | None,
    ) -> HttpResponse:
        """Apply the form to the snapshot it was opened with, and save the changes as a proposal.

        If the form is invalid, the response shows it again, and no proposal is saved.
        """
        request.proposing = root  # type: ignore[attr-defined]
        with transaction.atomic():
            now = take_snapshot(root, lock=True)
            if object_id and snapshot_key(root) not in now:
                return self._keep_as_new(request, object_id)
            opened = now if opened is None else opened
            with edit_transaction(Changeset(), user=None):
                restore_rows_unversioned(now=now, before=opened)
                response = view()
            mine = take_snapshot(root)
            if response.status_code == 200 and hasattr(response, "render"):
                response.render()
            transaction.set_rollback(True)
        if response.status_code != 302:
            return response
        changes = with_placeholder_ids(diff_snapshots(opened, mine))
        if not changes:
            messages.info(request, _("No changes."))
            return HttpResponseRedirect(request.get_full_path())
        changeset = self._changeset(request, root)
        propose(changeset=changeset, changes=changes)
        if opened != now:
            messages.warning(
                request,
                _(
                    "Someone else edited this record while you had it open. "
                    "Nothing is lost. Conflicts are marked: choose which version "
                    "to keep."
                ),
            )
        else:
            messages.success(
                request,
                _(
                    "Your change is waiting for review. Readers see the current "
                    "version until it is approved."
                ),
            )
        return HttpResponseRedirect(reverse("admin:allies_changeset_one", args=[changeset.pk]))

    def _changeset(self, request: HttpRequest, root: Model) -> Changeset:
        changeset = new_changeset(
            record=root,
            user=request.user,
            reason=request.POST.get("_reason", ""),
            public_note=request.POST.get("_public_note", ""),
        )
        changeset.correction = get_correction(request, root)
        return changeset

    def save_model(self, request: HttpRequest, obj: Record, form: BaseForm, change: bool) -> None:
        proposing = getattr(request, "proposing", None)
        root = get_root_record(obj)
        if proposing is not None:
            if root.pk is None or root != proposing:
                raise EvidenceLost(RequiresPublishPermission(root).messages)
        elif not can_change(user=request.user, record=obj):
            raise RequiresPublishPermission(root)
        obj._history_user = request.user
        if not change or form.has_changed():
            super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: Model, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if is_proposing(request):
            return HttpResponseRedirect("")
        return super().response_add(request, obj, *args, **kwargs)

    def response_change(self, request: HttpRequest, obj: Model) -> HttpResponse:
        if is_proposing(request):
            return HttpResponseRedirect("")
        return super().response_change(request, obj)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kw: object
    ) -> Any:
        form = super().get_form(request, obj, change, **kw)
        refusal: list[str] = getattr(request, "refusal", [])
        if not refusal:
            return form

        class Refused(form):  # type: ignore[misc, valid-type]
            def clean(self) -> Any:
                super().clean()
                raise ValidationError(refusal)

        return Refused

    def extra_context(self, request: HttpRequest, record: Any) -> dict[str, object]:
        context = super().extra_context(request, record)
        if record is not None:
            root = get_root_record(record)
            opened = request.POST.get(SNAPSHOT_FIELD, "")
            if load_signed_snapshot(opened, root) is None:
                opened = sign_snapshot(root, take_snapshot(root))
            context["opened"] = opened
            context["may_write"] = can_change(user=request.user, record=root)
            context["correction"] = get_correction(request, root)
            context["waiting"] = Changeset.objects.proposed().about(root)
            if not context["may_write"]:
                context.update(
                    show_save=False, show_save_and_continue=False, show_save_and_add_another=False
                )
        context["reason"] = request.POST.get("_reason", "")
        context["public_note"] = request.POST.get("_public_note", "")
        return context
