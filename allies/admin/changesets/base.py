"""Base class of all pages of a changeset in the admin."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
)
from django.template.response import TemplateResponse
from django.urls import reverse

from allies.actions.permissions import has_permission
from allies.imports.resources import RESOURCES
from allies.imports.tasks import reap_stale
from allies.models import Changeset


def importable_resources(request: HttpRequest) -> list[str]:
    """Return the record types that a user may import."""
    return [
        noun
        for noun, resource in RESOURCES.items()
        if has_permission(user=request.user, action="import", record=resource._meta.model)
    ]


class ChangesetPageBase(admin.ModelAdmin):
    """URLs, access and templates of the pages of a changeset."""

    def page_url(self, view: str, *args: object) -> str:
        return reverse(f"admin:allies_changeset_{view}", args=args)

    def get_own_or_404(self, request: HttpRequest, number: int) -> Changeset:
        reap_stale()
        changeset = Changeset.objects.with_undone().filter(pk=number).first()
        if changeset is None:
            raise Http404
        if not self.has_view_permission(request, changeset):
            raise PermissionDenied
        return changeset

    def redirect_to_page(self, changeset: Changeset) -> HttpResponseRedirect:
        return HttpResponseRedirect(self.page_url("one", changeset.pk))

    def render_page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        return TemplateResponse(
            request,
            f"admin/allies/changeset/{template}.html",
            {**self.admin_site.each_context(request), "opts": self.model._meta, **context},
        )


def mapped_resources(changeset: Changeset) -> list[str]:
    """Return the record types that the mapping of a changeset writes."""
    data = changeset.mapping
    found = [part.get("noun", "") for part in [*data.get("nouns", []), *data.get("records", [])]]
    if data.get("aliases"):
        found.append("aliases")
    return found or [changeset.noun]


def safe_file_name(name: str) -> str:
    """Return a file name that is safe in a header: letters, digits, dots, hyphens, underscores."""
    return "".join(
        char if (char.isalnum() and char.isascii()) or char in ".-_" else "-" for char in name
    )
