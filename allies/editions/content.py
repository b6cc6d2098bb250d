"""Content of an edition: a list as readers see it, as JSON data.

The data contain only what is public, in both languages. They are complete without the database:
names, dates, obligations, evidence and the full description of every source.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.db.models import Model, Prefetch
from django.utils.translation import override

from allies.models.alliance import Alliance
from allies.models.ally_list import AllyList, Entry, SeeAlso
from allies.models.citation import Citation
from allies.models.country import Country
from allies.models.event import Event
from allies.models.membership import Membership
from allies.models.source import Source, public_source_key
from allies.models.translation import SUFFIXES
from allies.text.markdown import cited_keys, with_current_keys
from allies.ties.allies_on_day import oldest_first
from allies.ties.key_events import key_events

if TYPE_CHECKING:
    from allies.models.ally_list import EntryQuerySet
    from allies.models.citation import CitationQuerySet

#: Version of the content's structure; readers of the data decide by it how to read them.
SCHEMA = "allies-edition/1"


def build_edition_content(ally_list: AllyList, *, on: dt.date) -> dict[str, object]:
    """Return ``{"list": …, "sources": […]}`` with everything that readers see of a list.

    ``on`` is the day whose ties are listed. The number of queries does not depend on the length of
    the list.
    """
    return _EditionContentBuilder(ally_list, on).content()


class _EditionContentBuilder:
    def __init__(self, ally_list: AllyList, on: dt.date) -> None:
        self.ally_list = ally_list
        self.on = on
        #: Ids of the sources that the content cites.
        self.cited: set[int] = set()
        #: Key in a text → current key of its source; public sources only.
        self.current_keys: dict[str, str] = {}

    def content(self) -> dict[str, object]:
        entries = list(self._entries())
        countries = [entry.country for entry in entries]
        focus = self.ally_list.focus
        ties = self._ties(focus, countries)
        key = key_events(focus, entries)
        events = {country: shown.events for country, shown in key.items()}
        self._fetch_citations(event for shown in events.values() for event in shown)
        also = Entry.objects.other_lists_naming(self.ally_list, countries)
        see_also = [
            item.source
            for item in SeeAlso.objects.published()
            .filter(ally_list=self.ally_list)
            .select_related("source")
        ]
        self.cited |= {source.pk for source in see_also}
        recorded = self.ally_list.recorded_from
        if recorded is not None and recorded.is_published:
            self.cited.add(recorded.pk)
        self._load_source_keys(entries, ties, events)
        return {
            "list": {
                "slug": self.ally_list.slug,
                **_both_languages(self.ally_list, "title"),
                # Only if there is one: editions from before this field have no byline.
                **({"byline": self.ally_list.byline} if self.ally_list.byline else {}),
                **self._prose(self.ally_list, "intro"),
                "focus": _country(focus),
                "scope": _code_with_names(self.ally_list.scope, self.ally_list.scope_name),
                "recorded_from": public_source_key(recorded),
                "promised": self.ally_list.promised,
                "entries": [
                    {
                        "position": entry.position,
                        "country": _country(entry.country),
                        **self._prose(entry, "prose"),
                        **self._evidence(entry),
                        "ties": [self._tie(*tie) for tie in ties.get(entry.country_id, [])],
                        "events": [
                            self._event(event) for event in events.get(entry.country_id, [])
                        ],
                        "also_named": [
                            _other_country(other) for other in also.get(entry.country_id, [])
                        ],
                    }
                    for entry in entries
                ],
                "see_also": [source.key for source in see_also],
            },
            "sources": self._sources(),
        }

    # Reading.

    def _entries(self) -> "EntryQuerySet":
        entries = Entry.objects.published().filter(ally_list=self.ally_list).order_by_position()
        return entries.with_evidence().select_related("country").prefetch_related(_citations())

    def _fetch_citations(self, events: Iterable[Event]) -> None:
        """Set ``shown_citations`` of the events; at most one query."""
        shown = {event.pk: event for event in events}
        for event in shown.values():
            event.shown_citations = []  # type: ignore[attr-defined]
        for citation in _for_display().filter(event__in=shown):
            shown[citation.event_id].shown_citations.append(citation)  # type: ignore[attr-defined,index]

    def _ties(
        self, focus: Country, countries: list[Country]
    ) -> dict[int, list[tuple[Alliance, list[Membership]]]]:
        """Return country id → [(alliance, memberships of the focus and the country)] on the day."""
        parts = Membership.objects.published().in_force(self.on)
        own = parts.filter(country=focus)
        found = (
            parts.filter(alliance__in=own.values("alliance"), country__in=[focus, *countries])
            .select_related("country")
            .order_by("pk")
        )
        by_alliance: dict[int, list[Membership]] = {}
        for membership in found:
            by_alliance.setdefault(membership.alliance_id, []).append(membership)
        alliances = Alliance.objects.filter(pk__in=by_alliance).with_evidence()
        ties: dict[int, list[tuple[Alliance, list[Membership]]]] = {}
        for alliance in oldest_first(alliances.prefetch_related(_citations())):
            members = by_alliance[alliance.pk]
            mine = [member for member in members if member.country_id == focus.pk]
            for country in {member.country_id for member in members} - {focus.pk}:
                theirs = [member for member in members if member.country_id == country]
                ties.setdefault(country, []).append((alliance, mine + theirs))
        return ties

    def _load_source_keys(
        self,
        entries: list[Any],
        ties: Mapping[int, list[tuple[Alliance, list[Membership]]]],
        events: Mapping[int, list[Event]],
    ) -> None:
        """Collect the public sources that texts and citations refer to; at most one query."""
        records: list[Any] = [*entries]
        records += [alliance for shown in ties.values() for alliance, _both in shown]
        records += [event for shown in events.values() for event in shown]
        citations = [citation for record in records for citation in record.shown_citations]
        self.cited |= {citation.source_id for citation in citations}
        texts = [self.ally_list.intro_en, self.ally_list.intro_ind]
        texts += [text for entry in entries for text in (entry.prose_en, entry.prose_ind)]
        texts += [text for c in citations for text in (c.note_en, c.note_ind)]
        keys = {key for text in texts for key in cited_keys(text)}
        if not keys:
            return
        cited = Source.objects.published().by_key(keys)
        self.current_keys = {key: source.key for key, source in cited.items()}
        self.cited |= {source.pk for source in cited.values()}

    def _sources(self) -> list[dict[str, Any]]:
        """Return the cited sources and those they are derived from.

        One query per link of the longest chain of derivation.
        """
        found: dict[int, Source] = {}
        wanted = set(self.cited)
        while wanted:
            new = Source.objects.published().filter(pk__in=wanted)
            found |= {source.pk: source for source in new.select_related("derived_from", "origin")}
            parents = {pk for s in new for pk in (s.derived_from_id, s.origin_id) if pk}
            wanted = parents - set(found) - wanted
        return [_source(source) for source in sorted(found.values(), key=lambda s: s.key)]

    # Building.

    def _prose(self, record: Model, name: str) -> dict[str, str]:
        """Return a text in both languages, without citation marks of non-public sources."""
        texts = {f"{name}_{end}": getattr(record, f"{name}_{end}") for end in SUFFIXES.values()}
        return {
            column: with_current_keys(text, self.current_keys) for column, text in texts.items()
        }

    def _evidence(self, record: Any) -> dict[str, object]:
        return {
            "independent_sources": record.independent_sources,
            "disputes": record.disputes,
            "citations": [
                {
                    "source": citation.source.key,
                    "stance": str(citation.stance),
                    "locator": citation.locator,
                    "quote": citation.quote,
                    **self._prose(citation, "note"),
                    "verified_on": citation.verified_on and citation.verified_on.isoformat(),
                }
                for citation in record.shown_citations
            ],
        }

    def _tie(self, alliance: Alliance, memberships: list[Membership]) -> dict[str, object]:
        return {
            "slug": alliance.slug,
            "kind": _choice(alliance, "kind"),
            **_both_languages(alliance, "title"),
            "signed": alliance.signed,
            "in_force": alliance.in_force,
            "ended": alliance.ended,
            "is_treaty": alliance.is_treaty,
            "members": [
                {
                    "country": _country(membership.country),
                    "role": _choice(membership, "role"),
                    "joined": membership.joined,
                    "left": membership.left,
                    "duties": [_obligation(name) for name in membership.obligations],
                }
                for membership in memberships
            ],
            **self._evidence(alliance),
        }

    def _event(self, event: Event) -> dict[str, object]:
        return {
            "slug": event.slug,
            "kind": _choice(event, "kind"),
            "certainty": _choice(event, "certainty"),
            **_both_languages(event, "title"),
            "date": event.date,
            **self._evidence(event),
        }


def _for_display() -> "CitationQuerySet":
    return Citation.objects.from_published_sources().for_display()


def _citations() -> "Prefetch[str, CitationQuerySet, str]":
    return Prefetch("citations", _for_display(), to_attr="shown_citations")


def _both_languages(record: Model, name: str) -> dict[str, str]:
    return {f"{name}_{end}": getattr(record, f"{name}_{end}") for end in SUFFIXES.values()}


def _code_with_names(code: str, name: object) -> dict[str, str] | None:
    """Return a code with its name in each language; None for an empty code."""
    if not code:
        return None
    found = {"code": str(code)}
    for language, end in SUFFIXES.items():
        with override(language):
            found[f"name_{end}"] = str(name)
    return found


def _choice(record: Any, name: str) -> dict[str, str] | None:
    value = getattr(record, name)
    labels = dict(record._meta.get_field(name).flatchoices)
    return _code_with_names(value, labels.get(value, value))


def _obligation(name: str) -> dict[str, str] | None:
    field: Any = Membership._meta.get_field(name)
    return _code_with_names(name, field.verbose_name)


def _country(country: Country) -> dict[str, str]:
    return {"code": country.code, "slug": country.slug, **_both_languages(country, "name")}


def _source(source: Source) -> dict[str, object]:
    names = ("key", "publisher", "title", "author", "credit", "url", "archive_url", "language")
    return {
        **{name: getattr(source, name) for name in names},
        "kind": _choice(source, "kind"),
        "date_published": source.date_published,
        "derived_from": public_source_key(source.derived_from),
        "origin": public_source_key(source.origin),
    }


def _other_country(ally_list: AllyList) -> dict[str, str]:
    recorded = ally_list.recorded_from
    publisher = recorded.publisher if recorded is not None and recorded.is_published else ""
    return {"slug": ally_list.slug, **_both_languages(ally_list, "title"), "publisher": publisher}
