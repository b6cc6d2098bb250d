"""Operations for single records, with their parts and citations."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError as FormError
from django.db.models import Model, Prefetch
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router

from allies.api.responses import ERRORS, InvalidQuery
from allies.api.schemas import (
    AllianceRecord,
    AllyListRecord,
    CountryRecord,
    EventRecord,
    OnADay,
    PairRecord,
    SourceRecord,
)
from allies.citations.redaction import CitationRedactor
from allies.evidence.grouping import with_citations
from allies.filters.base import DayField
from allies.models import (
    OBLIGATIONS,
    Alliance,
    AllyList,
    Citation,
    Country,
    Entry,
    Event,
    Membership,
    Participation,
    SeeAlso,
    Source,
    Standing,
    public_source_key,
)
from allies.ties.ties_between import get_ties_between
from allies.views.detail import find_pair, find_record


def _record_response(answer: Callable[[str], dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def one(request: HttpRequest, slug: str) -> Any:
        found = answer(slug)
        return {**found, "url": request.build_absolute_uri(found["url"])}

    return one


def _values(record: Model, *names: str) -> dict[str, object]:
    return {name: getattr(record, name) for name in names}


def _texts(record: Any, name: str, public: CitationRedactor) -> dict[str, str]:
    """Return a prose text in both languages, citing public sources only."""
    return {column: public(getattr(record, column)) for column in (f"{name}_en", f"{name}_ind")}


def _evidence(record: Any, public: CitationRedactor) -> dict[str, object]:
    return {
        "independent_sources": record.independent_sources,
        "disputed": bool(record.disputes),
        "citations": [_statement(one, public) for one in record.shown_citations],
    }


def _statement(citation: Citation, public: CitationRedactor) -> dict[str, object]:
    source = citation.source
    return {
        "source": source.key,
        "origin": public_source_key(source.origin) or source.key,
        **_values(source, "publisher", "title"),
        **_values(citation, "stance", "locator", "quote", "verified_on"),
        **_texts(citation, "note", public),
    }


def _country(slug: str) -> dict[str, object]:
    countries = Country.objects.published().select_related("successor")
    country = find_record(countries.prefetch_related("aliases", "spells"), slug)
    names = (
        "alpha3",
        "alpha2",
        "m49",
        "cow_code",
        "wikidata",
        "name_en",
        "name_ind",
        "region",
        "subregion",
    )
    return {
        "country": country.code,
        "url": country.get_absolute_url(),
        **_values(country, "slug", *names, "existed_from", "existed_to"),
        "spells": [_values(spell, "began", "ended") for spell in country.spells.all()],
        "successor": country.successor.code if country.successor else "",
        "aliases": [_values(alias, "name", "language") for alias in country.aliases.all()],
    }


def _alliance(slug: str) -> dict[str, object]:
    members = Membership.objects.select_related("country").order_by("joined_earliest", "pk")
    alliances = with_citations(Alliance.objects.published())
    alliance = find_record(
        alliances.prefetch_related("aliases", Prefetch("memberships", members)), slug
    )
    public = CitationRedactor()
    return {
        "alliance": alliance.slug,
        "url": alliance.get_absolute_url(),
        **_values(alliance, "identifier", "wikidata", "kind", "title_en", "title_ind"),
        "aliases": [_values(alias, "name", "language") for alias in alliance.aliases.all()],
        **_values(alliance, "signed", "in_force", "ended"),
        **_texts(alliance, "summary", public),
        "memberships": [
            {"country": one.country.code, **_values(one, "joined", "left", "role", *OBLIGATIONS)}
            for one in alliance.memberships.all()
        ],
        **_evidence(alliance, public),
    }


def _event(slug: str) -> dict[str, object]:
    parts = Participation.objects.select_related("country").order_by("pk")
    events = with_citations(Event.objects.published()).prefetch_related(
        Prefetch("participations", parts), Prefetch("alliance", Alliance.objects.published())
    )
    event = find_record(events, slug)
    public = CitationRedactor()
    return {
        "event": event.slug,
        "url": event.get_absolute_url(),
        **_values(event, "identifier", "kind", "certainty", "title_en", "title_ind", "date"),
        **_values(event, "place_en", "place_ind", "attributed_to_en", "attributed_to_ind"),
        **_texts(event, "summary", public),
        **_values(event, "session", "resolution", "scope", "issues", "is_important"),
        "alliance": event.alliance.slug if event.alliance else "",
        "participations": [
            {"country": part.country.code, "role": part.role} for part in event.participations.all()
        ],
        **_evidence(event, public),
    }


def _ally_list(slug: str) -> dict[str, object]:
    entries = with_citations(Entry.objects.published().order_by_position()).select_related(
        "country"
    )
    see_also = SeeAlso.objects.published().select_related("source")
    lists = AllyList.objects.published().select_related("focus", "recorded_from")
    found = find_record(
        lists.prefetch_related(
            Prefetch("entries", entries, to_attr="shown_entries"),
            Prefetch("see_also", see_also, to_attr="shown_see_also"),
        ),
        slug,
    )
    public = CitationRedactor()
    return {
        "list": found.slug,
        "url": found.get_absolute_url(),
        **_values(found, "title_en", "title_ind", "byline", "scope", "promised"),
        **_texts(found, "intro", public),
        "focus": found.focus.code,
        "recorded_from": public_source_key(found.recorded_from),
        "entries": [_entry(entry, public) for entry in found.shown_entries],
        "see_also": [item.source.key for item in found.shown_see_also],
    }


def _entry(entry: Any, public: CitationRedactor) -> dict[str, Any]:
    return {
        "country": entry.country.code,
        "position": entry.position,
        **_texts(entry, "prose", public),
        **_evidence(entry, public),
    }


def _source(slug: str) -> dict[str, object]:
    sources = Source.objects.published().select_related("derived_from", "origin")
    source = find_record(sources, slug, "key")
    names = ("kind", "publisher", "title", "author", "credit", "archive_url", "date_published")
    return {
        "source": source.key,
        "url": source.get_absolute_url(),
        "address": source.url,
        **_values(source, *names, "language"),
        **_values(source, "doi", "licence", "redistribution", "covers_from", "covers_to"),
        "derived_from": public_source_key(source.derived_from),
        "origin": public_source_key(source.origin),
    }


def _tie(alliance: Any, standing: Standing) -> dict[str, object]:
    return {
        "alliance": alliance.slug,
        **_values(alliance, "kind", "title_en", "title_ind", "independent_sources"),
        "standing": standing.value,
        "disputed": bool(alliance.disputes),
    }


def _pair(
    request: HttpRequest,
    first: str,
    second: str,
    query: Query[OnADay],
) -> Any:
    pair = find_pair(first, second)
    try:
        day = DayField(required=False).clean(query.on) or timezone.localdate()
    except FormError as error:
        raise InvalidQuery({"on": error.messages}, accepted=["on"]) from error
    alliances = pair.alliances().with_evidence().newest_first()
    events = urlencode({"country": pair.first.code, "with": pair.second.code})
    base = request.path.partition("/ties/")[0]
    return {
        "first": pair.first.code,
        "second": pair.second.code,
        "url": request.build_absolute_uri(pair.get_absolute_url()),
        "on": day,
        "ties": [
            _tie(tie.alliance, tie.standing) for tie in get_ties_between(pair, alliances, on=day)
        ],
        "events": request.build_absolute_uri(f"{base}/events?{events}"),
        "votes": request.build_absolute_uri(f"{request.path}/votes"),
    }


#: Path → (function that returns the record, its schema, its name in operation ids).
_RECORDS: dict[str, tuple[Callable[[str], dict[str, object]], object, str]] = {
    "/countries/{slug}": (_country, CountryRecord, "Country"),
    "/alliances/{slug}": (_alliance, AllianceRecord, "Alliance"),
    "/events/{slug}": (_event, EventRecord, "Event"),
    "/ally-lists/{slug}": (_ally_list, AllyListRecord, "AllyList"),
    "/sources/{slug}": (_source, SourceRecord, "Source"),
}

_PAIR = "/ties/{first}/{second}"

ADDRESSES = (*_RECORDS, _PAIR)


def add_record_operations(router: Router) -> None:
    """Add one operation per record type with a page of its own, and one for pairs."""
    for address, (answer, schema, name) in _RECORDS.items():
        router.add_api_operation(
            address,
            ["GET"],
            _record_response(answer),
            response={200: schema, **ERRORS},
            operation_id=f"get{name}",
            summary=f"One {name} with its parts and sources",
            url_name=f"get-{name}",
        )
    router.add_api_operation(
        _PAIR,
        ["GET"],
        _pair,
        response={200: PairRecord, **ERRORS},
        operation_id="getTies",
        summary=str(PairRecord.__doc__),
        url_name="get-ties",
    )
