"""What a page says of itself in its head: its one address, its languages, its data, its way."""

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
from allies.web import schema_org
from allies.web.schema_org import Breadcrumb

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

register = template.Library()

#: Views that other pages stand under → what the way to these calls them.
BREADCRUMB_PARENTS: "Mapping[str, StrOrPromise]" = {
    "allies:allylist-list": gettext_lazy("Lists"),
    "allies:country-list": gettext_lazy("Countries"),
    "allies:country-allies": gettext_lazy("Allies"),
    "allies:alliance-list": gettext_lazy("Alliances"),
    "allies:event-list": gettext_lazy("Events"),
    "allies:source-list": gettext_lazy("Sources"),
}

#: Where a page keeps the record it is about or stands under.
_RECORDS = ("record", "object", "country", "ally_list")

#: Language → the territory Open Graph wants with it.
_LOCALES = {"en": "en_GB", "id": "id_ID"}


@register.tag
def capture(parser: Parser, token: Token) -> "CaptureNode":
    """Keep what stands up to ``endkeep`` under a name, on one line, as text for an attribute."""
    _tag, name = token.split_contents()
    nodes = parser.parse(("endcapture",))
    parser.delete_first_token()
    return CaptureNode(nodes, name)


class CaptureNode(template.Node):
    def __init__(self, nodelist: NodeList, name: str) -> None:
        self.nodelist = nodelist  # under this name, blocks within are found and may be filled
        self.name = name

    def render(self, context: Context) -> str:
        text = " ".join(self.nodelist.render(context).split())
        context[self.name] = SafeString(text.replace('"', "&quot;"))
        return ""


class CanonicalUrls(NamedTuple):
    """The one address of a page. ``is_filtered``: it shows a part of what another shows whole."""

    canonical: str
    languages: list[tuple[str, str]]
    is_filtered: bool
    image: str
    locale: str
    other_locales: list[str]


@register.simple_tag(takes_context=True)
def page_address(context: Any) -> CanonicalUrls | None:
    """Return the address of a page that is there for all to find; None of an error or a draft."""
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
    """Return whether an address led to a view of ours that stands under a language."""
    if getattr(request, "resolver_match", None) is None:
        return False
    return request.path.split("/")[1] in dict(settings.LANGUAGES)  # type: ignore[union-attr]


def _is_error_or_draft(context: Context) -> bool:
    """Return whether this is an error, an impossible view or a draft: nothing to come back to."""
    is_draft = getattr(context.get("view"), "preview", False)
    return bool(is_draft or context.get("is_error") or context.get("valid") is False)


def _query(context: Any, request: HttpRequest) -> QueryDict:
    """Return the parameters that make this page what it is, in one order, and no other."""
    query = QueryDict(mutable=True)
    if filterset := context.get("filterset"):
        query.update(dict(sorted(filterset.applied_values.items())))
    elif context.get("day") and request.GET.get("on", "").strip():
        query["on"] = request.GET["on"]
    page = context.get("page")  # whose rows nobody asks for here: to ask whether it is one would
    if getattr(page, "number", 1) > 1:
        query["page"] = str(page.number)
    return query


def _share_image_url(request: HttpRequest) -> str:
    """Return the address of the picture shown with a link to a page: its own or the site's."""
    card = f"{request.path}card.png"
    try:
        resolve(card)
    except Resolver404:
        return reverse("allies:card")
    return card


@register.simple_tag(takes_context=True)
def breadcrumbs(context: Any) -> list[Breadcrumb]:
    """Return the way to a page: the front page, what it stands under, itself."""
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
    """Return the steps to an edition, and to what stands below it.

    Its list is called what it was called then; one that readers do not see is no step.
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
    """Return the page at an address as a step, where it is one that others stand under."""
    try:
        name = resolve(address).view_name
    except Resolver404:
        return None
    if name in BREADCRUMB_PARENTS:
        return Breadcrumb(str(BREADCRUMB_PARENTS[name]), address)
    return _record_breadcrumb(address, context)


def _record_breadcrumb(address: str, context: Any) -> Breadcrumb | None:
    """Return the record of the page that has this address, as a step."""
    for name in _RECORDS:
        record = context.get(name)
        if hasattr(record, "get_absolute_url") and record.get_absolute_url() == address:
            label = getattr(record, "name", None) or record.title
            fallback = getattr(label, "is_fallback", False)
            lang = label.lang if fallback else getattr(record, "language", "")
            return Breadcrumb(str(label), address, lang)
    return None


def _title(context: Any) -> str:
    return unescape(context.get("page_title", ""))


@register.simple_tag(takes_context=True)
def structured_data(context: Any, address: CanonicalUrls, steps: list[Breadcrumb]) -> SafeString:
    """Return what a page is about as JSON-LD, for a script element that no browser runs."""
    request = context["request"]
    at = request.build_absolute_uri
    data = schema_org.describe_page(
        url=address.canonical,
        name=_title(context),
        description=unescape(context.get("page_description", "")),
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
