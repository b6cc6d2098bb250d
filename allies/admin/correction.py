"""Corrections from readers in the admin: to be fixed, and decided once."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from allies.actions.decide_correction import DECISIONS, can_decide_corrections, decide_correction
from allies.actions.permissions import has_permission
from allies.actions.proposals import AlreadyDecidedError
from allies.models import Changeset, Correction, prefetch_records

#: Labels of the buttons.
DECISION_LABELS = {
    "accepted": gettext_lazy("Accept"),
    "partly-accepted": gettext_lazy("Accept in part"),
    "declined": gettext_lazy("Decline"),
    "spam": gettext_lazy("Spam"),
}


class CorrectionChangeList(ChangeList):
    """A page of corrections with their records, with one query per record type."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: Any = list(self.result_list)
        prefetch_records(self.result_list)


@admin.register(Correction)
class CorrectionAdmin(admin.ModelAdmin):
    """The list of corrections, and the page of each."""

    list_display = ("__str__", "about", "said", "language", "outcome", "created_at", "decided_by")
    list_filter = ("outcome", "noun", "language")
    list_select_related = ("decided_by",)
    list_per_page = 50
    # Waiting corrections first, then the latest decisions.
    ordering = (F("decided_at").desc(nulls_first=True), "-pk")  # type: ignore[assignment]
    show_full_result_count = False
    actions = None

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> Any:
        return CorrectionChangeList

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("about"))
    def about(self, correction: Correction) -> str:
        return str(correction.record or "–")

    @admin.display(description=gettext_lazy("what is wrong"))
    def said(self, correction: Correction) -> str:
        return correction.text if len(correction.text) <= 120 else f"{correction.text[:119]}…"

    def change_view(
        self, request: HttpRequest, object_id: str, *args: object, **kwargs: object
    ) -> HttpResponse:
        """Show a correction, and handle the decision on it."""
        correction = self._found(request, object_id)
        problems: list[str] = []
        if request.method == "POST":
            try:
                self._decide(request, correction)
                return HttpResponseRedirect(request.path)
            except ValidationError as error:
                problems = error.messages
            except AlreadyDecidedError:
                messages.warning(request, _("Someone else has already decided on this."))
                return HttpResponseRedirect(request.path)
        changesets = Changeset.objects.with_undone().filter(correction=correction).order_by("pk")
        context = {
            **self.admin_site.each_context(request),
            "title": str(correction),
            "opts": self.model._meta,
            "original": correction,
            "correction": correction,
            "record": correction.record,
            "edit": self._edit(request, correction),
            "changesets": changesets.select_related("created_by"),
            "problems": problems,
            "answer": request.POST.get("answer", ""),
            "buttons": [(outcome.value, DECISION_LABELS[outcome.value]) for outcome in DECISIONS]
            if correction.is_waiting and can_decide_corrections(request.user)
            else [],
        }
        return TemplateResponse(request, "admin/allies/correction/detail.html", context)

    def _found(self, request: HttpRequest, object_id: str) -> Correction:
        if not self.has_view_permission(request):
            raise PermissionDenied
        correction = self.get_object(request, object_id)
        if correction is None:
            raise Http404
        return correction

    def _decide(self, request: HttpRequest, correction: Correction) -> None:
        with transaction.atomic():
            decided = decide_correction(
                correction=correction,
                outcome=request.POST.get("outcome", ""),
                answer=request.POST.get("answer", ""),
                user=request.user,
            )
            said = f"{decided.get_outcome_display()}. {decided.answer}".strip()
            self.log_change(request, decided, said)
        messages.success(
            request, _("Decision saved: %(what)s.") % {"what": DECISION_LABELS[decided.outcome]}
        )

    def _edit(self, request: HttpRequest, correction: Correction) -> str:
        """Return the URL of the record's form; "" if the user may not change such records."""
        record = correction.record
        if record is None or not has_permission(user=request.user, action="change", record=record):
            return ""
        name = f"admin:allies_{correction.noun}_change"
        return f"{reverse(name, args=[record.pk])}?correction={correction.pk}"
