"""The history of a record in the admin: all steps, comparison of any two, reverting to one.

The page of django-simple-history ignores the parts of a record. It also restores a version with its
status, so an editor could publish without the permission.
"""

import datetime as dt
from collections.abc import Callable

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.dateparse import parse_datetime
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from allies.actions.permissions import PublishRightMissing, can_change, has_permission
from allies.actions.revert import revert_record
from allies.history.hidden_sources import HiddenSourceFilter
from allies.history.snapshots import RecordChange, diff_snapshots, snapshot_at
from allies.history.steps import HistoryStep, RecordLabels, change_fields, change_title, get_steps
from allies.models import Record, Source, Status

PER_PAGE = 50


class HistoryMixin(admin.ModelAdmin):
    """The history page of a record, and reverting to an earlier step."""

    def get_urls(self) -> list[URLPattern]:
        name = self.model._meta.model_name
        return [
            path(
                "<path:object_id>/history/revert/",
                self.admin_site.admin_view(self.revert_view),
                name=f"allies_{name}_revert",
            ),
            *super().get_urls(),
        ]

    def get_viewable_or_404(self, request: HttpRequest, object_id: str) -> Record:
        """Return a record that the user may view; raise Http404 or PermissionDenied."""
        record = self.get_object(request, object_id)
        if record is None:
            raise Http404
        if not self.has_view_permission(request, record):
            raise PermissionDenied
        return record

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        record = self.get_viewable_or_404(request, object_id)
        steps = get_steps(record)[::-1]
        page = Paginator(steps, PER_PAGE).get_page(request.GET.get("p"))
        names = RecordLabels(change for step in page.object_list for change in step.changes)
        visible = _get_change_filter(request, names)
        context = {
            **self.admin_site.each_context(request),
            "title": _("History of “%(record)s”") % {"record": record},
            "opts": self.model._meta,
            "module_name": capfirst(str(self.model._meta.verbose_name_plural)),
            "object": record,
            "original": record,
            "page": page,
            "steps": [
                (step, _new_status(step), _describe_step(visible(step.changes), names))
                for step in page
            ],
            "compared": self._comparison(request, record, steps),
            "may_revert": self.has_change_permission(request, record),
            "is_proposed": not can_change(user=request.user, record=record),
        }
        return TemplateResponse(request, "admin/allies/history.html", context)

    def _comparison(
        self, request: HttpRequest, record: Record, steps: list[HistoryStep]
    ) -> dict[str, object] | None:
        chosen = [_parse_moment(request.GET.get(name, ""), steps) for name in ("from", "to")]
        moments = sorted(moment for moment in chosen if moment is not None)
        if len(moments) != 2:
            return None
        older, newer = moments
        changes = diff_snapshots(snapshot_at(record, older), snapshot_at(record, newer))
        names = RecordLabels(changes)
        visible = _get_change_filter(request, names)
        return {
            "older": older,
            "newer": newer,
            "changes": _describe_step(visible(changes), names),
        }

    def revert_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        record = self.get_viewable_or_404(request, object_id)
        if request.method != "POST" or not self.has_change_permission(request, record):
            raise PermissionDenied
        moment = _parse_moment(request.POST.get("to", ""), get_steps(record))
        if moment is None:
            raise Http404
        back = HttpResponseRedirect(
            reverse(f"admin:allies_{self.model._meta.model_name}_history", args=[record.pk])
        )
        try:
            changeset = revert_record(record=record, moment=moment, user=request.user)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return back
        except PublishRightMissing as refusal:
            messages.error(request, str(refusal))
            return back
        if changeset is None:
            messages.info(request, _("No changes."))
        elif changeset.is_proposed:
            messages.success(request, _("The reversion is waiting for review."))
            return HttpResponseRedirect(reverse("admin:allies_changeset_one", args=[changeset.pk]))
        else:
            messages.success(request, _("The record has been restored to that version."))
        return back


def _parse_moment(text: str, steps: list[HistoryStep]) -> dt.datetime | None:
    """Return the time in a form; None if the record has no step at that time."""
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    return next((step.moment for step in steps if step.moment == moment), None)


def _get_change_filter(
    request: HttpRequest, names: RecordLabels
) -> Callable[[list[RecordChange]], list[RecordChange]]:
    """Return a function that returns the changes in which the user may see every source."""
    may_view = (
        has_permission(user=request.user, action=action, record=Source)
        for action in ("view", "change")
    )
    return list if any(may_view) else HiddenSourceFilter(names)


def _describe_step(changes: list[RecordChange], names: RecordLabels) -> list[dict[str, object]]:
    return [
        {"what": c["what"], "title": change_title(c, names), "fields": change_fields(c, names)}
        for c in changes
    ]


def _new_status(step: HistoryStep) -> str:
    """Return the status that a step set, or "" if it did not change."""
    before, after = step.status
    return str(Status(after).label) if after and before != after else ""
