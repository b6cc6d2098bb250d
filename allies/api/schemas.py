"""JSON schemas of single records, one per record type, with their parts and evidence."""

import datetime as dt
from typing import Literal, TypeAlias

from ninja import Schema
from pydantic import Field

from allies.api.responses import DAY_SCHEMA

EDTF = "As precise as it is known, in EDTF (ISO 8601-2); empty if not known."
CODE = "The country’s alpha-3 code; if it has none, its COW code or its slug."


class Statement(Schema):
    """A citation: one source supports or disputes the record."""

    source: str = Field(description="The source’s citation key.")
    origin: str = Field(
        description="The citation key of the original source; its own if it is an original."
    )
    publisher: str
    title: str
    stance: Literal["supports", "disputes"]
    locator: str = Field(description="Page, paragraph, article or row.")
    quote: str = Field(description="In the language of the source.")
    note_en: str
    note_ind: str
    verified_on: dt.date | None


class Cited(Schema):
    """A record with sources."""

    independent_sources: int = Field(
        description="Supporting sources; sources that reprint one another count once."
    )
    disputed: bool
    citations: list[Statement]


class Name(Schema):
    name: str
    language: str = Field(description="ISO 639 code; empty for codes and abbreviations.")


class Existence(Schema):
    """A period in which a state existed."""

    began: str = Field(description=EDTF)
    ended: str = Field(description=f"{EDTF} Empty if the state still exists.")


class CountryRecord(Schema):
    country: str = Field(description=CODE)
    slug: str
    url: str
    alpha3: str
    alpha2: str
    m49: str
    cow_code: int | None
    wikidata: str
    name_en: str
    name_ind: str
    region: str = Field(description="UN M49.")
    subregion: str = Field(description="UN M49.")
    existed_from: str = Field(description=EDTF)
    existed_to: str = Field(description=EDTF)
    spells: list[Existence]
    successor: str
    aliases: list[Name]


class Part(Schema):
    """A country’s membership in an alliance."""

    country: str = Field(description=CODE)
    joined: str = Field(description=EDTF)
    left: str = Field(description=EDTF)
    role: str
    defence: bool | None
    offence: bool | None
    neutrality: bool | None
    non_aggression: bool | None
    consultation: bool | None


class AllianceRecord(Cited):
    alliance: str = Field(description="The alliance’s slug.")
    url: str
    identifier: str
    wikidata: str
    kind: str
    title_en: str
    title_ind: str
    signed: str = Field(description=EDTF)
    in_force: str = Field(description=EDTF)
    ended: str = Field(description=EDTF)
    summary_en: str = Field(description="Markdown; `[@key]` cites a source.")
    summary_ind: str
    aliases: list[Name]
    memberships: list[Part]


class Role(Schema):
    country: str = Field(description=CODE)
    role: str


class EventRecord(Cited):
    event: str = Field(description="The event’s slug.")
    url: str
    identifier: str
    kind: str
    certainty: str
    title_en: str
    title_ind: str
    date: str = Field(description=EDTF)
    place_en: str
    place_ind: str
    attributed_to_en: str
    attributed_to_ind: str
    summary_en: str = Field(description="Markdown; `[@key]` cites a source.")
    summary_ind: str
    session: int | None = Field(description="Of UN votes: the session of the General Assembly.")
    resolution: str
    scope: str = Field(description="What was voted on: whole, amendment or paragraph.")
    issues: str
    is_important: bool | None
    alliance: str = Field(description="The alliance’s slug; empty if there is none.")
    participations: list[Role]


class EntryRecord(Cited):
    """A country’s entry in a list."""

    country: str = Field(description=CODE)
    position: int
    prose_en: str = Field(description="Markdown; `[@key]` cites a source.")
    prose_ind: str


#: Aliases, because AllyListRecord has a field called ``list``.
_Entries: TypeAlias = list[EntryRecord]
_Keys: TypeAlias = list[str]


class AllyListRecord(Schema):
    list: str = Field(description="The list’s slug.")
    url: str
    title_en: str
    title_ind: str
    focus: str = Field(description=CODE)
    scope: str = Field(description="UN M49 region; empty for the whole world.")
    recorded_from: str = Field(
        description="The citation key of the source that published it; empty for our own lists."
    )
    byline: str = Field(description="Who wrote the list.")
    promised: int | None = Field(description="How many allies the headline mentions.")
    intro_en: str
    intro_ind: str
    entries: _Entries = Field(description="In the order of the list.")
    see_also: _Keys = Field(description="Citation keys of sources for further reading.")


class SourceRecord(Schema):
    source: str = Field(description="The source’s citation key.")
    url: str = Field(description="The address of its page.")
    kind: str
    publisher: str
    title: str
    author: str
    credit: str
    address: str = Field(description="The address of the document.")
    archive_url: str
    date_published: str = Field(description=EDTF)
    language: str
    doi: str
    licence: str
    redistribution: bool | None = Field(description="Whether its rows may be passed on.")
    covers_from: str = Field(description=EDTF)
    covers_to: str = Field(description=EDTF)
    derived_from: str = Field(
        description="The citation key of the source it is based on; empty for an original."
    )
    origin: str = Field(
        description="The citation key of the original source; empty if it is this one."
    )


class OnADay(Schema):
    on: str = Field(
        "", description="The date; today if none is given.", json_schema_extra=DAY_SCHEMA
    )


class TieRecord(Schema):
    """An alliance of which both countries are or were members."""

    alliance: str = Field(description="The alliance’s slug.")
    kind: str
    title_en: str
    title_ind: str
    standing: str = Field(description="Whether it was in force on the date, past or later.")
    independent_sources: int
    disputed: bool


class PairRecord(Schema):
    """Ties between two countries on a given date."""

    first: str = Field(description=CODE)
    second: str = Field(description=CODE)
    url: str
    on: dt.date
    ties: list[TieRecord]
    events: str = Field(description="The address of the events with both countries in this API.")
    votes: str = Field(description="The address of their UN votes by year in this API.")
