"""Preview links in the admin: create, list and revoke them."""

import datetime as dt

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from allies.history.steps import parse_id
from allies.models import PREVIEW_DAYS, PreviewLink
from allies.views.draft_preview import DETAIL_VIEWS


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
