"""The oEmbed endpoint, for sites that turn links to our pages into embeds (https://oembed.com)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext, override
from django.views.decorators.http import require_safe

from allies.feeds.atom import strip_invalid_xml
from allies.models import Alliance, AllyList, Country
from allies.views.detail import MovedRecord, find_record
from allies.views.edition import EditionRetracted, get_edition
from allies.web.embeds import EMBEDS, HEIGHT, PAGES, WIDTH, embed_code

_FORMATS = ("json", "xml")
_RECORDS: dict[str, Any] = {"allylist": AllyList, "country": Country, "alliance": Alliance}


@require_safe
def oembed(request: HttpRequest) -> HttpResponse:
    """Return the embed code of ``url`` as JSON or XML.

    The status is 404 if the page has no embed, and 501 for an unknown format. ``maxwidth`` and
    ``maxheight`` are whole numbers of pixels; anything else gives a 400, and so does a missing
    ``url``.
    """
    asked = request.GET
    form = asked.get("format", "json")
    if form not in _FORMATS:
        return _refused("The format must be json or xml.", 501)
    try:
        width = min(WIDTH, _pixels(asked.get("maxwidth"), WIDTH))
        height = min(HEIGHT, _pixels(asked.get("maxheight"), HEIGHT))
    except ValueError:
        return _refused("maxwidth and maxheight must be whole numbers of pixels.", 400)
    if "url" not in asked:
        return _refused("url is missing.", 400)
    try:
        answer = _embedded(request, asked["url"], width, height)
    except Http404:
        return _refused("This address cannot be embedded.", 404)
    return JsonResponse(answer) if form == "json" else _xml(answer)


def _pixels(text: str | None, usual: int) -> int:
    if text is None:
        return usual
    if not (text.isascii() and text.isdecimal() and int(text[:9]) >= 1 and len(text) < 10):
        raise ValueError(text)
    return int(text)


def _embedded(request: HttpRequest, url: str, width: int, height: int) -> dict[str, object]:
    """Return the oEmbed response for a URL; raise Http404 if it has no embed."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise Http404 from error
    language = parts.path.split("/")[1] if parts.path.startswith("/") else ""
    if parts.netloc != request.get_host() or language not in dict(settings.LANGUAGES):
        raise Http404
    with override(language):
        try:
            match = resolve(parts.path)
        except Resolver404 as error:
            raise Http404 from error
        name = str(match.url_name)
        if name in EMBEDS:
            name = EMBEDS[name][0][0]
        elif name not in PAGES:
            raise Http404
        kwargs, title = _found(name, match.kwargs)
        html = embed_code(
            request, name, kwargs, title, query=parts.query, width=str(width), height=height
        )
        home = request.build_absolute_uri(reverse("allies:home"))
    return {
        "version": "1.0",
        "type": "rich",
        "title": title,
        "provider_name": settings.SITE_NAME,
        "provider_url": home,
        "html": html,
        "width": width,
        "height": height,
    }


def _found(name: str, kwargs: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the current URL arguments of an embed and its title; raise Http404."""
    if name == "edition-embed":
        try:
            return kwargs, str(get_edition(kwargs["key"]))
        except EditionRetracted as retracted:
            raise Http404 from retracted
    model = _RECORDS[name.split("-")[0]]
    public = model.objects.published()
    try:
        record = find_record(public, kwargs["slug"])
    except MovedRecord as renamed:
        record = find_record(public, renamed.arguments["slug"])
    title = str(record)
    if name in ("country-allies-embed", "country-map-embed"):
        title = gettext("Allies of %(country)s") % {"country": record.name_in_text}
    return {"slug": record.slug}, title


def _refused(text: str, status: int) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")


def _xml(answer: Mapping[str, object]) -> HttpResponse:
    root = ElementTree.Element("oembed")
    for name, value in answer.items():
        ElementTree.SubElement(root, name).text = strip_invalid_xml(str(value))
    text = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return HttpResponse(text, content_type="text/xml; charset=utf-8")
