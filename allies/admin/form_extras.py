"""Additions to the form of a record: scheduled steps, preview links, other editors."""

import datetime as dt
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from allies.actions.permissions import has_permission
from allies.actions.publication import TRANSITIONS
from allies.actions.scheduling import (
    SCHEDULABLE_TRANSITIONS,
    cancel_schedule,
    content_digest,
    is_void,
    schedule_action,
)
from allies.admin.mixins import FormContextMixin
from allies.history.steps import parse_id
from allies.models import (
    PREVIEW_DAYS,
    Appointment,
    OpenForm,
    PreviewLink,
    Publishable,
    StateConflict,
)
from allies.tasks import run_due_schedules
from allies.views.preview import DETAIL_VIEWS

SCHEDULE_LABELS = {
    "publish": gettext_lazy("Schedule"),
    "withdraw": gettext_lazy("Schedule withdrawal"),
}


class PresenceMixin(FormContextMixin):
    """Shows which other users have a record open."""

    def get_urls(self) -> list[URLPattern]:
        name = f"allies_{self.model._meta.model_name}_open"
        view = self.admin_site.admin_view(self.open_view)
        return [path("<int:number>/open/", view, name=name), *super().get_urls()]

    def open_view(self, request: HttpRequest, number: int) -> JsonResponse:
        """Record that the user still has the record open; return which others have it open."""
        record = self.get_object(request, str(number))
        if record is None:
            raise Http404
        if request.method != "POST" or not self.has_change_permission(request, record):
            raise PermissionDenied
        return JsonResponse({"others": other_editors(request, record)})

    def extra_context(self, request: HttpRequest, record: Any) -> dict[str, object]:
        context = super().extra_context(request, record)
        if record is not None and self.has_change_permission(request, record):
            context["others_at"] = other_editors(request, record)
            name = f"admin:allies_{self.model._meta.model_name}_open"
            context["open_url"] = reverse(name, args=[record.pk])
        return context


def other_editors(request: HttpRequest, record: Model) -> str:
    """Return a note with the other users who have a record open, or ""."""
    others = OpenForm.objects.seen(record, request.user)
    if not others:
        return ""
    return _("Also editing: %(names)s. Your changes will not overwrite theirs.") % {
        "names": ", ".join(str(other.created_by) for other in others)
    }


class SchedulingMixin(FormContextMixin):
    """Scheduling a step for later."""

    def extra_context(self, request: HttpRequest, record: Any) -> dict[str, object]:
        context = super().extra_context(request, record)
        if record is not None:
            context["appointments"] = _schedule_rows(record)
            context["timed"] = [
                (step, SCHEDULE_LABELS[step])
                for step in SCHEDULABLE_TRANSITIONS
                if has_permission(user=request.user, action=TRANSITIONS[step][2], record=record)
            ]
        return context

    def handle_schedule(self, request: HttpRequest, record: Publishable) -> HttpResponse | None:
        """Schedule or cancel a step as the form asks; return None if it asks for neither."""
        step = request.POST.get("_later", "")
        off = request.POST.get("_call_off", "")
        if number := parse_id(off):
            self._cancel(request, record, number)
        elif step in SCHEDULABLE_TRANSITIONS:
            self._schedule(request, record, step)
        else:
            return None
        address = f"admin:allies_{self.model._meta.model_name}_change"
        return HttpResponseRedirect(reverse(address, args=[record.pk]))

    def _cancel(self, request: HttpRequest, record: Model, number: int) -> None:
        appointment = Appointment.objects.about(record).filter(pk=number, done_at=None).first()
        try:
            if appointment is None:
                raise StateConflict
            cancel_schedule(appointment=appointment, user=request.user)
        except StateConflict:
            messages.warning(request, _("This was already done or cancelled."))
        else:
            messages.success(request, _("Cancelled."))

    def _schedule(self, request: HttpRequest, record: Publishable, step: str) -> None:
        due_at = _parse_moment(request.POST.get("_due_at", ""))
        if due_at is None:
            messages.error(request, _("Enter a date and a time."))
            return
        try:
            made = schedule_action(record=record, step=step, due_at=due_at, user=request.user)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return
        # One second later, so that the job does not run before the step is due.
        at = made.due_at + dt.timedelta(seconds=1)
        transaction.on_commit(lambda: run_due_schedules.using(run_after=at).enqueue())
        messages.success(request, _("Scheduled."))


def _schedule_rows(record: Publishable) -> list[Appointment]:
    """Return the scheduled steps and, for unpublished records, the last one that failed.

    ``is_void`` says whether the record has changed since the step was scheduled.
    """
    about = Appointment.objects.about(record)
    failed = about.failed().order_by("-done_at")
    found = [*about.waiting(), *([] if record.is_published else failed[:1])]
    if any(one.done_at is None and one.content for one in found):
        content = content_digest(record)
        for one in found:
            one.is_void = one.done_at is None and is_void(one, content)
    return found


def _parse_moment(text: str) -> dt.datetime | None:
    """Return the date and time in a text; None if it is invalid or out of range."""
    try:
        moment = parse_datetime(text)
        if moment is not None and timezone.is_naive(moment):
            moment = timezone.make_aware(moment)
        if moment is not None:
            moment.astimezone(dt.UTC) + dt.timedelta(days=1)
    except (ValueError, OverflowError):
        return None
    return moment


class PreviewLinkMixin(admin.ModelAdmin):
    """Links with which somebody without an account can read a draft."""

    def get_urls(self) -> list[URLPattern]:
        name = f"allies_{self.model._meta.model_name}_links"
        view = self.admin_site.admin_view(self.links_view)
        return [path("<path:object_id>/links/", view, name=name), *super().get_urls()]

    def links_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the links to a record; create or revoke one."""
        record = self.get_object(request, object_id)
        if record is None or self.model not in DETAIL_VIEWS:
            raise Http404
        if not self.has_change_permission(request, record):
            raise PermissionDenied
        if request.method == "POST":
            self._change_links(request, record)
            return HttpResponseRedirect(request.path)
        links = PreviewLink.objects.about(record).with_validity()
        links = links.select_related("created_by").order_by("-pk")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Preview links to “%(record)s”") % {"record": record},
            "opts": self.model._meta,
            "original": record,
            "links": [(link, self._preview_url(request, link)) for link in links[:50]],
            "days": PREVIEW_DAYS,
        }
        return TemplateResponse(request, "admin/allies/preview_links.html", context)

    def _preview_url(self, request: HttpRequest, link: PreviewLink) -> str:
        return request.build_absolute_uri(reverse("allies:preview", args=[link.token]))

    def _change_links(self, request: HttpRequest, record: Model) -> None:
        revoked = request.POST.get("revoke", "")
        days = request.POST.get("days", "")
        if number := parse_id(revoked):
            links = PreviewLink.objects.about(record).filter(pk=number, revoked_at=None)
            links.update(revoked_at=timezone.now())
            messages.success(request, _("Link revoked. It no longer works."))
        elif days in map(str, PREVIEW_DAYS):
            PreviewLink.objects.create(
                noun=str(record._meta.model_name),
                record_id=record.pk,
                created_by_id=int(request.user.pk or 0),
                expires_at=timezone.now() + dt.timedelta(days=int(days)),
                purpose=request.POST.get("purpose", "").strip()[:200],
            )
            messages.success(request, _("Link created. Anyone with it can read the draft."))
