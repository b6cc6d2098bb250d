"""Editions in the admin: read-only. A list can get a new edition; an edition can be retracted."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _

from allies.actions.editions import (
    NothingNewError,
    can_make_edition,
    create_edition,
    retract_edition,
    unpublished_edition_changes,
)
from allies.admin.mixins import FormContextMixin, ReadOnlyAdminMixin
from allies.editions.diff import diff_editions
from allies.models import AllyList, Edition


@admin.register(Edition)
class EditionAdmin(ReadOnlyAdminMixin):
    """All editions, and a page per edition, on which it can be retracted."""

    list_display = ("key", "number", "made_at", "made_by", "retracted_at")
    list_select_related = ("made_by",)
    list_per_page = 50
    search_fields = ("key", "sha256")
    show_full_result_count = False
    actions = None

    def change_view(
        self, request: HttpRequest, object_id: str, *args: object, **kwargs: object
    ) -> HttpResponse:
        """Show an edition, and handle its retraction."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        edition: Any = self.get_object(request, object_id)
        if edition is None:
            raise Http404
        problems: list[str] = []
        if request.method == "POST":
            try:
                retract_edition(
                    edition=edition, user=request.user, reason=request.POST.get("retraction", "")
                )
            except ValidationError as error:
                problems = error.messages
            else:
                self.log_change(request, edition, _("Retracted."))
                messages.success(request, _("Edition retracted. Its address shows the reason."))
                return HttpResponseRedirect(request.path)
        may_retract = can_make_edition(user=request.user, ally_list=AllyList)
        context = {
            **self.admin_site.each_context(request),
            "title": str(edition),
            "opts": self.model._meta,
            "original": edition,
            "edition": edition,
            "may_retract": may_retract and not edition.is_retracted,
            "problems": problems,
        }
        return TemplateResponse(request, "admin/allies/edition/detail.html", context)


class EditionsMixin(FormContextMixin):
    """The editions of a list, linked from its form; a new edition is created there."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.editions_view)
        name = f"allies_{self.model._meta.model_name}_editions"
        return [path("<path:object_id>/editions/", view, name=name), *super().get_urls()]

    def extra_context(self, request: HttpRequest, record: Any) -> dict[str, object]:
        context = super().extra_context(request, record)
        context["has_editions"] = record is not None
        return context

    def editions_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """List the editions, show changes since the last, and create one of the current list."""
        record: Any = self.get_object(request, object_id)
        if record is None:
            raise Http404
        if not self.has_view_permission(request, record):
            raise PermissionDenied
        if request.method == "POST":
            self._make_edition(request, record)
            return HttpResponseRedirect(request.path)
        public = AllyList.objects.published().filter(pk=record.pk).exists()
        last, content = unpublished_edition_changes(record, on=timezone.localdate())
        changes = diff_editions(last.data, content).summary() if last and content else []
        context = {
            **self.admin_site.each_context(request),
            "title": _("Editions of “%(record)s”") % {"record": record},
            "opts": self.model._meta,
            "original": record,
            "editions": Edition.objects.of(record).select_related("made_by"),
            "is_public": public,
            "last": last,
            "differs": bool(content),
            "changes": changes,
            "may_make": public and can_make_edition(user=request.user, ally_list=record),
        }
        return TemplateResponse(request, "admin/allies/edition/list.html", context)

    def _make_edition(self, request: HttpRequest, record: Any) -> None:
        try:
            made = create_edition(
                ally_list=record, user=request.user, note=request.POST.get("note", "")
            )
        except NothingNewError as same:
            messages.warning(
                request,
                _("No edition was created: the list is the same as edition %(number)d.")
                % {"number": same.last.number},
            )
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, _("Edition %(number)d created.") % {"number": made.number})
