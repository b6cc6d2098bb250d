"""The front page, and the choice of a language before it."""

from typing import Any

from django.db import connection
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language_from_request
from django.views.generic import TemplateView

from allies.models import AllyList, Country, Event
from allies.models.m49 import REGIONS
from allies.views.ally_list import with_entries


def choose_language(request: HttpRequest) -> HttpResponse:
    """Lead to the front page in the language the reader's browser asks for."""
    response = redirect(f"/{get_language_from_request(request)}/")
    patch_vary_headers(response, ["Accept-Language"])
    return response


def alive(request: HttpRequest) -> HttpResponse:
    """Say that this process answers and reaches its database: for health checks."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok\n", content_type="text/plain")


class FrontPage(TemplateView):
    template_name = "allies/front.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        featured = with_entries(AllyList.objects.published().filter(featured=True))
        counts = dict(
            Country.objects.published()
            .values_list("region")
            .annotate(n=Count("pk"))
            .order_by("region")
        )
        return super().get_context_data(
            featured=featured.featured_first().first(),
            events=Event.objects.published().with_evidence().newest_first()[:8],
            regions=[(code, name, counts.get(code, 0)) for code, name in REGIONS.items()],
            **kwargs,
        )
