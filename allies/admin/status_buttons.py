"""Status in the admin: buttons for the allowed steps, a preview, and actions on several records."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from allies.actions.permissions import has_permission
from allies.actions.publication import (
    NotPublishableError,
    WrongStatusError,
    apply_transition,
    available_transitions,
)
from allies.admin.base import RecordAdmin
from allies.admin.merge_page import MergeMixin
from allies.admin.preview_links import PreviewLinkMixin
from allies.admin.save_or_propose import is_proposing
from allies.admin.scheduling_form import SchedulingMixin
from allies.evidence.guards import EvidenceLost
from allies.models import Publishable
from allies.models.base import PublicationIssue
from allies.views.draft_preview import DETAIL_VIEWS, draft_response

TRANSITION_LABELS = {
    "submit": gettext_lazy("Save and submit for review"),
    "publish": gettext_lazy("Save and publish"),
    "withdraw": gettext_lazy("Save and withdraw"),
    "reopen": gettext_lazy("Save and reopen as draft"),
}


#: Messages after a step was applied to one record, and to several.
_DONE_MESSAGES = {
    "submit": gettext_lazy("Submitted for review."),
    "publish": gettext_lazy("Published."),
    "withdraw": gettext_lazy("Withdrawn."),
    "reopen": gettext_lazy("Reopened as draft."),
}
_BULK_DONE_MESSAGES = {
    "submit": gettext_lazy("Submitted for review: %(count)d."),
    "publish": gettext_lazy("Published: %(count)d."),
    "withdraw": gettext_lazy("Withdrawn: %(count)d."),
    "reopen": gettext_lazy("Reopened as draft: %(count)d."),
}


class PublishableAdmin(MergeMixin, SchedulingMixin, PreviewLinkMixin, RecordAdmin):
    """The admin of a record type with a status, which changes by steps, never in the form."""

    actions = ("publish_selected", "withdraw_selected", "submit_selected")
    readonly_fields = ("status",)

    def get_urls(self) -> list[URLPattern]:
        preview = path(
            "<path:object_id>/public/",
            self.admin_site.admin_view(self.public_preview),
            name=f"allies_{self.model._meta.model_name}_public",
        )
        return [preview, *super().get_urls()]

    def public_preview(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Show the record as on its public page, whatever its status; for editors only."""
        return draft_response(request, self.get_viewable_or_404(request, object_id))

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        """Link to the public page of a published record; a draft has its preview."""
        return super().get_view_on_site_url(obj) if obj and obj.is_published else None

    def extra_context(self, request: HttpRequest, record: Any) -> dict[str, object]:
        context = super().extra_context(request, record)
        if record is not None:
            context["steps"] = [
                (step, TRANSITION_LABELS[step])
                for step in available_transitions(record=record, user=request.user)
                if self.has_change_permission(request, record)
            ]
            context["missing"] = [
                (lack, _issue_url(lack, self.model)) for lack in record.publication_issues()
            ]
            context["has_public_view"] = self.model in DETAIL_VIEWS
        elif self.has_add_permission(request):
            context["steps"] = [
                (step, TRANSITION_LABELS[step])
                for step in available_transitions(record=self.model(), user=request.user)
            ]
        return context

    def response_add(self, request: HttpRequest, obj: Any, *args: object, **kwargs: object) -> Any:
        return self._redirect_after_transition(request, obj) or super().response_add(
            request, obj, *args, **kwargs
        )

    def response_change(self, request: HttpRequest, obj: Any) -> Any:
        return self._redirect_after_transition(request, obj) or super().response_change(
            request, obj
        )

    def _redirect_after_transition(
        self, request: HttpRequest, record: Publishable
    ) -> HttpResponse | None:
        if is_proposing(request):
            return None  # a proposal does not change the status
        if arranged := self.handle_schedule(request, record):
            return arranged
        step = request.POST.get("_step", "")
        if step not in TRANSITION_LABELS:
            return None
        self._apply_transition(request, [record], step)
        address = f"admin:allies_{self.model._meta.model_name}_change"
        return HttpResponseRedirect(reverse(address, args=[record.pk]))

    def _apply_transition(
        self, request: HttpRequest, records: Iterable[Publishable], step: str
    ) -> None:
        """Apply a step to each record, and report which ones were refused and why."""
        done, called_off, refused = 0, 0, []
        for record in records:
            try:
                called_off += apply_transition(record=record, step=step, user=request.user)
                done += 1
            except PermissionDenied:
                refused.append((record, _("You don’t have permission to do this.")))
            except NotPublishableError as lacking:
                refused.append((record, " ".join(lacking.missing)))
            except (WrongStatusError, EvidenceLost) as error:
                refused.append((record, " ".join(getattr(error, "messages", error.args))))
        if done:
            messages.success(
                request,
                _DONE_MESSAGES[step] if done == 1 else _BULK_DONE_MESSAGES[step] % {"count": done},
            )
        if called_off:
            said = _("Scheduled actions cancelled by this: %(count)d.") % {"count": called_off}
            messages.warning(request, said)
        if refused:
            messages.error(
                request,
                format_html_join(" ", _("Skipped “{}”: {}"), refused),
            )

    @admin.action(description=gettext_lazy("Publish selected"))
    def publish_selected(self, request: HttpRequest, queryset: QuerySet[Publishable]) -> None:
        self._apply_transition(request, queryset, "publish")

    @admin.action(description=gettext_lazy("Withdraw selected"))
    def withdraw_selected(self, request: HttpRequest, queryset: QuerySet[Publishable]) -> None:
        self._apply_transition(request, queryset, "withdraw")

    @admin.action(description=gettext_lazy("Submit selected for review"))
    def submit_selected(self, request: HttpRequest, queryset: QuerySet[Publishable]) -> None:
        self._apply_transition(request, queryset, "submit")

    def get_actions(self, request: HttpRequest) -> Any:
        actions = super().get_actions(request)
        may_publish = has_permission(user=request.user, action="publish", record=self.model)
        if not may_publish:
            actions.pop("publish_selected", None)
            actions.pop("withdraw_selected", None)
        if not self.has_change_permission(request):
            actions.pop("submit_selected", None)
        return actions


def _issue_url(lack: PublicationIssue, model: type[Model]) -> str:
    """Return the link to the place where an issue can be fixed, in this form or another."""
    if lack.record is not None:
        name = f"admin:allies_{lack.record._meta.model_name}_change"
        return f"{reverse(name, args=[lack.record.pk])}#{lack.where}-group"
    is_field = lack.where in {field.name for field in model._meta.concrete_fields}
    return f"#id_{lack.where}" if is_field else f"#{lack.where}-group"


@admin.display(description=gettext_lazy("independent sources"), ordering="independent_sources")
def independent_sources(record: Any) -> str:
    """Show the number of independent sources, and whether the record is disputed."""
    count = str(record.independent_sources)
    return f"{count} ({_('disputed')})" if record.disputes else count


@admin.display(description=gettext_lazy("title"), ordering="title_en")
def title(record: Any) -> str:
    """Show the title of a record, or its slug if it has no title."""
    return str(record)


class EvidenceMixin(admin.ModelAdmin):
    """A list that shows how well each record is supported by sources."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        records: Any = super().get_queryset(request)
        return records.with_evidence()
