"""Embed codes and oEmbed links of pages."""

from typing import TYPE_CHECKING

from django import template
from django.template import Context

from allies.models import Edition
from allies.web.embeds import EMBEDS, EmbedCode, embed_code, oembed_url

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

register = template.Library()


@register.inclusion_tag("allies/_embed.html", takes_context=True)
def embed_this(
    context: Context, title: "StrOrPromise", edition: Edition | None = None
) -> dict[str, list[EmbedCode]]:
    """Show the embed codes of this page with its filter and, if given, of an ``edition``."""
    request = context["request"]
    match = request.resolver_match
    query = request.GET.copy()
    query.pop("page", None)
    codes = [
        EmbedCode(
            label, embed_code(request, name, match.kwargs, str(title), query=query.urlencode())
        )
        for name, label in EMBEDS.get(str(match.url_name), ())
    ]
    if edition is not None:
        ((name, label),) = EMBEDS["edition-detail"]
        codes.append(EmbedCode(label, embed_code(request, name, {"key": edition.key}, str(title))))
    return {"codes": codes}


@register.simple_tag(takes_context=True)
def oembed_addresses(context: Context, address: str) -> dict[str, str] | None:
    """Return the oEmbed URLs of this page by format; None if it has no embed."""
    request = context["request"]
    if str(request.resolver_match.url_name) not in EMBEDS:
        return None
    return {form: oembed_url(request, address, form) for form in ("json", "xml")}
