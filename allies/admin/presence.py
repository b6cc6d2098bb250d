"""Which other users have a record's form open, shown in the form."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from allies.admin.mixins import FormContextMixin
from allies.models import OpenForm


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
