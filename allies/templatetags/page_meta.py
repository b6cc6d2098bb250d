"""Metadata of pages: canonical URL, languages, share image, breadcrumbs, JSON-LD."""

from collections.abc import Mapping
from html import unescape
from typing import TYPE_CHECKING, Any, NamedTuple

from django import template
from django.conf import settings
from django.http import HttpRequest, QueryDict
from django.template import Context, RequestContext
from django.template.base import NodeList, Parser, Token
from django.urls import Resolver404, resolve, reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from allies.models import Edition
from allies.models.translation import localize
from allies.text.bidi import strip_isolates
from allies.web import schema_org
from allies.web.schema_org import Breadcrumb

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

register = template.Library()

#: View name of a parent page → its label in breadcrumbs.
BREADCRUMB_PARENTS: "Mapping[str, StrOrPromise]" = {
    "allies:allylist-list": gettext_lazy("Lists"),
    "allies:country-list": gettext_lazy("Countries"),
    "allies:country-allies": gettext_lazy("Allies"),
    "allies:alliance-list": gettext_lazy("Alliances"),
    "allies:comparison": gettext_lazy("Compare countries"),
    "allies:event-list": gettext_lazy("Events"),
    "allies:vote-list": gettext_lazy("UN votes"),
    "allies:source-list": gettext_lazy("Sources"),
}

#: Context variables that may hold the record of the page or of its parent.
_RECORDS = ("record", "object", "country", "ally_list", "pair")

#: Language → locale with territory, as Open Graph requires.
_LOCALES = {"en": "en_GB", "id": "id_ID"}


@register.tag
def capture(parser: Parser, token: Token) -> "CaptureNode":
    """Store the content up to ``endcapture`` in a variable, on one line, safe in an attribute."""
    _tag, name = token.split_contents()
    nodes = parser.parse(("endcapture",))
    parser.delete_first_token()
    return CaptureNode(nodes, name)


class CaptureNode(template.Node):
    def __init__(self, nodelist: NodeList, name: str) -> None:
        self.nodelist = nodelist  # Django looks for blocks to override under this name
        self.name = name

    def render(self, context: Context) -> str:
        text = " ".join(self.nodelist.render(context).split())
        context[self.name] = SafeString(text.replace('"', "&quot;"))
        return ""


class CanonicalUrls(NamedTuple):
    """The URLs of a page. ``is_filtered`` means that it shows part of another page's rows."""

    canonical: str
    languages: list[tuple[str, str]]
    is_filtered: bool
    image: str
    locale: str
    other_locales: list[str]


@register.simple_tag(takes_context=True)
def page_address(context: Any) -> CanonicalUrls | None:
    """Return the URLs of a page; None for errors, invalid filters and drafts."""
    request = context.get("request")
    if not _is_a_page(request) or _is_error_or_draft(context):
        return None
    query = _query(context, request)
    language = get_language() or settings.LANGUAGE_CODE
    here = f"{request.path}?{query.urlencode()}" if query else request.path
    _root, _code, rest = here.split("/", 2)
    codes = [code for code, _name in settings.LANGUAGES]
    at = request.build_absolute_uri
    return CanonicalUrls(
        canonical=at(here),
        languages=[
            *((code, at(f"/{code}/{rest}")) for code in codes),
            ("x-default", at(f"/{settings.LANGUAGE_CODE}/{rest}")),
        ],
        is_filtered=bool(set(query) - {"page"}),
        image=at(
            f"{_share_image_url(request)}?{query.urlencode()}"
            if query
            else _share_image_url(request)
        ),
        locale=_LOCALES[language],
        other_locales=[_LOCALES[code] for code in codes if code != language],
    )


def _is_a_page(request: HttpRequest | None) -> bool:
    """Return whether the URL was resolved and begins with a language."""
    if getattr(request, "resolver_match", None) is None:
        return False
    return request.path.split("/")[1] in dict(settings.LANGUAGES)  # type: ignore[union-attr]


def _is_error_or_draft(context: Context) -> bool:
    """Return whether this page is an error, an invalid filter or a draft."""
    is_draft = getattr(context.get("view"), "preview", False)
    return bool(is_draft or context.get("is_error") or context.get("valid") is False)


def _query(context: Any, request: HttpRequest) -> QueryDict:
    """Return the parameters that this page depends on, sorted, without all others."""
    query = QueryDict(mutable=True)
    if filterset := context.get("filterset"):
        query.update(dict(sorted(filterset.applied_values.items())))
    elif asked := context.get("page_query"):
        query.update(asked)
    elif context.get("day") and request.GET.get("on", "").strip():
        query["on"] = request.GET["on"]
    page = context.get("page")  # not tested for truth: that would fetch its rows
    if getattr(page, "number", 1) > 1:
        query["page"] = str(page.number)
    return query


def _share_image_url(request: HttpRequest) -> str:
    """Return the URL of a page's share image: its own or the site's."""
    card = f"{request.path}card.png"
    try:
        resolve(card)
    except Resolver404:
        return reverse("allies:card")
    return card


@register.simple_tag(takes_context=True)
def breadcrumbs(context: Any) -> list[Breadcrumb]:
    """Return the breadcrumbs of a page: front page, parents, and the page itself."""
    request = context.get("request")
    if not _is_a_page(request) or request.resolver_match.view_name == "allies:home":
        return []
    parts = request.path.strip("/").split("/")
    steps = [Breadcrumb(_("Front page"), reverse("allies:home"))]
    for end in range(2, len(parts)):
        address = f"/{'/'.join(parts[:end])}/"
        if step := _breadcrumb(address, context):
            steps.append(step)
    if isinstance(edition := context.get("edition"), Edition):
        steps += _to_edition(edition, context)
    return [
        *steps,
        _record_breadcrumb(request.path, context) or Breadcrumb(_title(context), request.path),
    ]


def _to_edition(edition: Edition, context: RequestContext) -> list[Breadcrumb]:
    """Return the breadcrumbs to an edition, and the edition's own on its subpages.

    The list has its title at that time. It is left out if it is not public.
    """
    steps = [
        Breadcrumb(str(BREADCRUMB_PARENTS["allies:allylist-list"]), reverse("allies:allylist-list"))
    ]
    if (live := context.get("live")) and not edition.is_retracted:
        title = localize(lambda end: edition.data["list"][f"title_{end}"])
        lang = title.lang if title.is_fallback else ""
        steps.append(Breadcrumb(str(title), live.get_absolute_url(), lang))
    address = edition.get_absolute_url()
    if address != context["request"].path:
        label = _("Edition %(number)s") % {"number": edition.number}
        steps.append(Breadcrumb(label, address))
    return steps


def _breadcrumb(address: str, context: RequestContext) -> Breadcrumb | None:
    """Return the breadcrumb of a path; None if it is not a parent page."""
    try:
        name = resolve(address).view_name
    except Resolver404:
        return None
    if name == "allies:event-list" and _is_about_roll_call(context):
        name, address = "allies:vote-list", reverse("allies:vote-list")
    if name in BREADCRUMB_PARENTS:
        return Breadcrumb(str(BREADCRUMB_PARENTS[name]), address)
    return _record_breadcrumb(address, context)


def _is_about_roll_call(context: Any) -> bool:
    return any(getattr(context.get(name), "is_roll_call", False) for name in _RECORDS)


def _record_breadcrumb(address: str, context: Any) -> Breadcrumb | None:
    """Return the breadcrumb of the record in the context with this path, if any."""
    for name in _RECORDS:
        record = context.get(name)
        if hasattr(record, "get_absolute_url") and record.get_absolute_url() == address:
            label = getattr(record, "name", None) or record.title
            fallback = getattr(label, "is_fallback", False)
            lang = label.lang if fallback else getattr(record, "language", "")
            return Breadcrumb(str(label), address, lang)
    return None


def _title(context: Any) -> str:
    return strip_isolates(unescape(context.get("page_title", "")))


@register.simple_tag(takes_context=True)
def structured_data(context: Any, address: CanonicalUrls, steps: list[Breadcrumb]) -> SafeString:
    """Return the JSON-LD of a page, for a ``<script type="application/ld+json">``."""
    request = context["request"]
    at = request.build_absolute_uri
    data = schema_org.describe_page(
        url=address.canonical,
        name=_title(context),
        description=strip_isolates(unescape(context.get("page_description", ""))),
        at=at,
        trail=steps,
        described=context.get("described"),
        downloads=context.get("downloads") or (),
    )
    if request.resolver_match.view_name == "allies:home":
        site = schema_org.describe_website(
            at, url=request.path, search=reverse("allies:search-list")
        )
        data |= {"mainEntity": site, "isPartOf": {"@id": site["@id"]}}
    return SafeString(schema_org.to_json_script(data))
