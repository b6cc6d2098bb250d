"""A proposal in the admin, next to the current record: to be approved, amended or declined."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from allies.actions.proposals import (
    AlreadyDecidedError,
    amend,
    approve,
    can_amend,
    can_decide,
    conflicting_fields,
    decline,
)
from allies.admin.changesets.base import ChangesetPageBase
from allies.evidence.guards import EvidenceLost
from allies.history.snapshots import RecordChange, model_of_key, take_snapshot, to_json_value
from allies.history.steps import RecordLabels, change_fields, change_title
from allies.models import Changeset


class ProposalForm(forms.Form):
    """The parts of a proposal to apply, and their values.

    ``use`` holds the chosen parts: the record's key if the record is new or removed, ``key.field``
    for a changed field. Each value that can be amended has a form field of that name.
    """

    use = forms.MultipleChoiceField(required=False)
    note = forms.CharField(required=False, max_length=1000)

    def __init__(self, changeset: Changeset, moved: dict[str, set[str]], *args: Any) -> None:
        self.changes: list[RecordChange] = changeset.changes
        chosen: list[str] = []
        super().__init__(*args)
        self.initial["use"] = chosen
        choices = []
        for change in self.changes:
            key, gone = change["key"], moved.get(change["key"], set())
            if change["what"] != "changed":
                choices.append(key)
                if not gone:
                    chosen.append(key)
            for name, (_old, new) in change["fields"].items():
                where = f"{key}.{name}"
                if change["what"] == "changed":
                    choices.append(where)
                    if not gone & {name, "*"}:
                        chosen.append(where)
                if (
                    change["what"] != "removed"
                    and (field := _amendment_field(change, name)) is not None
                ):
                    self.fields[where] = field
                    self.initial[where] = new
        self.fields["use"].choices = [(where, where) for where in choices]  # type: ignore[attr-defined]

    def clean(self) -> None:
        super().clean()
        used = set(self.cleaned_data.get("use", []))
        # Ignore errors in fields that were not chosen.
        for where in [w for w in self.errors if "." in w and not used & {w, w.partition(".")[0]}]:
            del self.errors[where]

    def chosen_changes(self) -> list[RecordChange]:
        """Return the chosen changes, with the values from the form."""
        used = set(self.cleaned_data["use"])
        found: list[RecordChange] = []
        for change in self.changes:
            whole = change["key"] in used
            fields = {
                name: [old, self._value(f"{change['key']}.{name}", new)]
                for name, (old, new) in change["fields"].items()
                if whole or f"{change['key']}.{name}" in used
            }
            if fields:
                found.append({**change, "fields": fields})
        return found

    def _value(self, where: str, proposed: object) -> Any:
        return to_json_value(self.cleaned_data[where]) if where in self.cleaned_data else proposed


def _amendment_field(change: RecordChange, name: str) -> Any:
    """Return the form field to amend a proposed value; None if it is a relation."""
    model_field = model_of_key(change["key"])._meta.get_field(name)
    if model_field.is_relation:
        return None
    field = model_field.formfield()
    if isinstance(model_field, models.TextField):
        field.widget = forms.Textarea(attrs={"rows": 4})
    return field


class ProposalPageMixin(ChangesetPageBase):
    """The page on which a proposal is decided."""

    def _proposal(self, request: HttpRequest, changeset: Changeset) -> HttpResponse:
        record = changeset.about
        now = take_snapshot(record) if record is not None else {}
        moved = conflicting_fields(changeset, now)
        posted = request.POST if request.method == "POST" else None
        form = ProposalForm(changeset, moved, posted)
        problems: list[str] = []
        if request.method == "POST":
            try:
                if done := self._decided(request, changeset, form):
                    return done
            except (ValidationError, EvidenceLost) as error:
                problems = error.messages
            except AlreadyDecidedError:
                messages.warning(request, _("Someone else has already decided on this."))
                return self.redirect_to_page(changeset)
        others = Changeset.objects.none()
        if changeset.is_proposed and record is not None:
            others = Changeset.objects.proposed().about(record).exclude(pk=changeset.pk)
        return self.render_page(
            request,
            "proposal",
            changeset=changeset,
            record=record,
            desk_view=f"admin:allies_{changeset.about_noun}_change",
            form=form,
            problems=problems,
            moved=bool(moved),
            rows=_rows(changeset, now, moved, form, list(others)),
            others=others,
            may_decide=changeset.is_proposed and can_decide(user=request.user, changeset=changeset),
            may_amend=changeset.is_proposed and can_amend(user=request.user, changeset=changeset),
            is_own=changeset.created_by_id == request.user.pk,
            title=str(changeset),
        )

    def _decided(
        self, request: HttpRequest, changeset: Changeset, form: ProposalForm
    ) -> HttpResponse | None:
        user = request.user
        if "decline" in request.POST:
            decline(changeset=changeset, user=user, note=request.POST.get("note", ""))
            messages.success(request, _("Declined. The record was not changed."))
            return self.redirect_to_page(changeset)
        if not can_amend(user=user, changeset=changeset):
            raise PermissionDenied
        if not form.is_valid():
            return None
        if "approve" in request.POST:
            note = form.cleaned_data["note"]
            approve(changeset=changeset, user=user, changes=form.chosen_changes(), note=note)
            messages.success(request, _("Approved. The record has been changed."))
        elif "amend" in request.POST:
            amend(changeset=changeset, user=user, changes=form.chosen_changes())
            messages.success(
                request,
                _("Your edits to the proposal are saved. It is still waiting for a decision."),
            )
        else:
            return None
        return HttpResponseRedirect(self.page_url("one", changeset.pk))


def _rows(
    changeset: Changeset,
    now: Any,
    moved: dict[str, set[str]],
    form: ProposalForm,
    others: list[Changeset],
) -> list[dict[str, object]]:
    """Return the proposed changes per record, for the template."""
    current: list[RecordChange] = [
        {"key": change["key"], "fields": {name: [now[change["key"]].get(name), None]}}
        for change in changeset.changes
        if change["key"] in now
        for name in change["fields"]
    ]
    names = RecordLabels([*changeset.changes, *current])
    contested = {
        (change["key"], name)
        for other in others
        for change in other.changes
        for name in change["fields"]
    }
    used = set(form["use"].value() or [])
    rows = []
    for change in changeset.changes:
        key, what = change["key"], change["what"]
        gone = moved.get(key, set())
        fields = []
        for shown in change_fields(change, names):
            where = f"{key}.{shown['name']}"
            fields.append(
                {
                    **shown,
                    "where": where,
                    "used": where in used,
                    "moved": shown["name"] in gone,
                    "now": names.value_text(shown["field"], now[key].get(shown["name"]))
                    if key in now
                    else "",
                    "contested": (key, shown["name"]) in contested,
                    "input": form[where] if where in form.fields else None,
                }
            )
        rows.append(
            {
                "key": key,
                "what": what,
                "title": change_title(change, names),
                "used": key in used,
                "gone": "*" in gone,
                "moved": bool(gone),
                "fields": fields,
            }
        )
    return rows
