"""Public pages of editions, built from their frozen content and not from current records."""

import base64
from typing import Any

from django.core.paginator import Paginator
from django.core.validators import slug_re
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.views import View

from allies.citations.footnotes import FootnoteNumbering
from allies.editions.diff import diff_editions
from allies.models import AllyList, Country, Edition
from allies.models.translation import SUFFIXES, localize
from allies.views.detail import MovedRecord, RecordSubpage, find_record
from allies.views.listing import parse_page

#: Editions per page. Each is read in full, to show what it changed.
PER_PAGE = 20

#: Maximum cache time of an edition's file, in seconds; a retraction is seen after that at latest.
MAX_AGE_SECONDS = 24 * 3600


def localize_edition(value: object) -> Any:
    """Return frozen data with each bilingual text also in the reader's language.

    For example, ``title`` is added next to ``title_en`` and ``title_ind``, as on a record. Nested
    lists and dicts are processed too.
    """
    if isinstance(value, list):
        return [localize_edition(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {name: localize_edition(item) for name, item in value.items()}
    for name in value:
        base = name.removesuffix("_en")
        if base != name and f"{base}_ind" in value:
            found[base] = localize(lambda end, base=base: value[f"{base}_{end}"])  # type: ignore[misc]
    return found


class EditionRetracted(Exception):
    """The requested edition was retracted."""

    def __init__(self, edition: Edition) -> None:
        super().__init__(edition)
        self.edition = edition


class EditionView(View):
    """Base of views of one edition.

    The response is 404 if there is no such edition, and 410 with the reason if it was retracted.
    """

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: Any) -> HttpResponseBase:
        try:
            self.edition = get_edition(kwargs["key"])
            return super().dispatch(request, *args, **kwargs)
        except EditionRetracted as retracted:
            return self.retracted_response(retracted.edition)

    def retracted_response(self, edition: Edition) -> HttpResponse:
        context = {"edition": edition, **_current_list(edition)}
        return render(self.request, "allies/edition/retracted.html", context, status=410)


def get_edition(key: str) -> Edition:
    """Return the edition with this key; raise Http404 or, if it was retracted, EditionRetracted."""
    edition = Edition.objects.filter(key=key).first() if slug_re.match(key) else None
    if edition is None:
        raise Http404
    if edition.is_retracted:
        raise EditionRetracted(edition)
    return edition


def _current_list(edition: Edition) -> dict[str, object]:
    """Return the template context about the list of an edition.

    ``live`` is the public list, or the one it was merged into (then ``merged`` is true), or None.
    ``newest`` is the newest edition of the edition's own list.
    """
    live = AllyList.objects.published().filter(pk=edition.ally_list_id).first()
    merged = False
    if live is None and not AllyList.objects.filter(pk=edition.ally_list_id).exists():
        try:  # it may have been merged into another list, to which its old slug leads
            find_record(AllyList.objects.published(), edition.slug)
        except MovedRecord as led:
            live, merged = AllyList.objects.published().get(**led.arguments), True
        except Http404:
            live = None
    newest = Edition.objects.published().same_list(edition).first()
    return {"live": live, "merged": merged, "newest": newest}


class EditionDetailView(EditionView):
    """The page of an edition, rendered from its content and not from records."""

    template_name = "allies/edition/detail.html"

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        return render(request, self.template_name, {"view": self, **self.context()})

    def context(self) -> dict[str, Any]:
        data = localize_edition(self.edition.data)
        sources = {source["key"]: source for source in data["sources"]}
        for source in sources.values():
            source["get_absolute_url"] = f"#source-{source['key']}"
            source["origin"] = sources.get(source["origin"])
            source["derived_from"] = sources.get(source["derived_from"])
        shown = data["list"]
        shown["recorded_from"] = sources.get(shown["recorded_from"])
        shown["see_also"] = [sources[key] for key in shown["see_also"] if key in sources]
        for record in _count_sources(shown):
            for citation in record["citations"]:
                citation["source"] = sources[citation["source"]]
        names = {f"name_{end}": shown["focus"][f"name_{end}"] for end in SUFFIXES.values()}
        address = reverse("allies:edition-json", args=[self.edition.key])
        at = self.request.build_absolute_uri
        return {
            "edition": self.edition,
            "data": data,
            "ally_list": shown,
            "focus_in_text": Country(**names).name_in_text,
            "missing": max((shown["promised"] or 0) - len(shown["entries"]), 0),
            "sources": list(sources.values()),
            "notes": FootnoteNumbering(sources=sources),
            "permalink": at(self.edition.get_absolute_url()),
            "command": f"curl -s {at(address)} | sha256sum",
            **_current_list(self.edition),
        }


def _count_sources(ally_list: Any) -> Any:
    for entry in ally_list["entries"]:
        yield entry
        yield from entry["ties"]
        yield from entry["events"]


class EditionFileView(EditionView):
    """The content of an edition, byte for byte as it was hashed."""

    def get(self, request: HttpRequest, key: str) -> HttpResponseBase:
        edition = self.edition
        etag = f'"{edition.sha256}"'
        response = HttpResponse(edition.content.encode(), content_type="application/json")
        found: Any = get_conditional_response(request, etag=etag, response=response) or response
        number = base64.b64encode(bytes.fromhex(edition.sha256)).decode()
        found["ETag"] = etag
        found["Repr-Digest"] = f"sha-256=:{number}:"
        found["Cache-Control"] = f"public, max-age={MAX_AGE_SECONDS}, immutable"
        return found

    def retracted_response(self, edition: Edition) -> HttpResponse:
        told = {
            "key": edition.key,
            "number": edition.number,
            "sha256": edition.sha256,
            "retracted_at": edition.retracted_at,
            "reason": edition.retraction,
        }
        return JsonResponse(told, status=410)


class EditionDiffView(EditionView):
    """Two editions compared: additions, removals and changed texts.

    ``?with=`` is the key of the other edition. By default, it is the previous one of the same list,
    or the newest if there is none before. The status is 400 if there is no such edition.
    """

    def get(self, request: HttpRequest, key: str) -> HttpResponse:
        edition = self.edition
        others = list(Edition.objects.published().same_list(edition).exclude(pk=edition.pk))
        wanted = request.GET.get("with", "")
        problem = ""
        other: Edition | None = None
        if wanted:
            try:
                other = get_edition(wanted[:200])
            except Http404:
                problem = _("There is no edition “%(key)s”. Choose one of these.") % {
                    "key": wanted[:200]
                }
        else:
            earlier = (found for found in others if found.number < edition.number)
            other = next(earlier, others[0] if others else None)
        pair = sorted([edition, other], key=lambda e: (e.made_at, e.pk)) if other else []
        context = {
            "edition": edition,
            "title": localize(lambda end: edition.data["list"][f"title_{end}"]),
            "others": others,
            "other": other,
            "pair": pair,
            "compared": diff_editions(pair[0].data, pair[1].data) if pair else None,
            "problem": problem,
            **_current_list(edition),
        }
        status = 400 if problem else 200
        return render(request, "allies/edition/compare.html", context, status=status)


class EditionListView(RecordSubpage):
    """The editions of a list, newest first, each with a summary of its changes."""

    model = AllyList
    template_name = "allies/edition/list.html"

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        editions = Edition.objects.of(self.object)
        page = parse_page(self.request, Paginator(editions, PER_PAGE))
        start = page.start_index() - 1 if page.object_list else 0
        shown = list(editions[start : start + PER_PAGE + 1])  # one more to compare with
        for place, edition in enumerate(shown):
            same = (e for e in shown[place + 1 :] if e.ally_list_id == edition.ally_list_id)
            edition.changes = _in_short(next(same, None), edition)  # type: ignore[attr-defined]
        return super().get_context_data(page=page, editions=shown[:PER_PAGE], **kwargs)


def _in_short(earlier: Edition | None, edition: Edition) -> list[str]:
    """Return a summary of what an edition changed since the earlier one.

    Return [] if there is no earlier edition, or if one of them was retracted.
    """
    if earlier is None or earlier.is_retracted or edition.is_retracted:
        return []
    return diff_editions(earlier.data, edition.data).summary()
