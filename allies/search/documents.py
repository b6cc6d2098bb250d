"""The searchable content of each record type: its names, other texts and dates."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from allies.models import Alliance, AllyList, Country, Entry, Event, Source
from allies.models.translation import SUFFIXES, LocalizedText
from allies.text.markdown import to_plain_text

#: First and last day of a record; an unknown side is the minimum or maximum date.
Days = tuple[dt.date, dt.date]


@dataclass(frozen=True)
class DocumentSource:
    """How the records of a model are searched; texts are as written, in both languages."""

    model: Any
    names: Callable[[Any], Iterator[LocalizedText]]
    body: Callable[[Any], Iterator[LocalizedText]]
    days: Callable[[Any], Days | None] = lambda record: None
    #: Relations that the names are read through.
    related: tuple[str, ...] = ()

    @property
    def noun(self) -> str:
        return str(self.model._meta.model_name)


def _bilingual(*fields: str, is_prose: bool = False) -> Callable[[Any], Iterator[LocalizedText]]:
    """Return a function that yields these bilingual texts of a record, each with its language."""

    def texts(record: Model) -> Iterator[LocalizedText]:
        for field in fields:
            for code, suffix in SUFFIXES.items():
                if value := getattr(record, f"{field}_{suffix}"):
                    yield LocalizedText(to_plain_text(value) if is_prose else value, code)

    return texts


def _of_no_language(*values: object, language: str = "") -> Iterator[LocalizedText]:
    yield from (LocalizedText(str(value), language) for value in values if value not in (None, ""))


def _combine(
    *parts: Callable[[Any], Iterator[LocalizedText]],
) -> Callable[[Any], Iterator[LocalizedText]]:
    def texts(record: Model) -> Iterator[LocalizedText]:
        for part in parts:
            yield from part(record)

    return texts


def _fields(*names: str) -> Callable[[Any], Iterator[LocalizedText]]:
    return lambda record: _of_no_language(*(getattr(record, name) for name in names))


def _aliases(record: Country | Alliance) -> Iterator[LocalizedText]:
    for alias in record.aliases.all():
        yield LocalizedText(alias.name, alias.language)


def _titles_of_source(source: Source) -> Iterator[LocalizedText]:
    yield from _of_no_language(source.title, language=source.language)
    yield from _of_no_language(source.publisher, source.key)


def _span(first: dt.date | None, last: dt.date | None) -> Days:
    return first or dt.date.min, last or dt.date.max


def _days_of_alliance(alliance: Alliance) -> Days:
    began = alliance.in_force_earliest if alliance.in_force else alliance.signed_earliest
    return _span(began, alliance.ended_latest)


def _days_of_source(source: Source) -> Days | None:
    if not source.date_published:
        return None
    return _span(source.date_published_earliest, source.date_published_latest)


def _no_dates(record: Model) -> Iterator[LocalizedText]:
    return iter(())


DOCUMENT_SOURCES: dict[str, DocumentSource] = {
    document.noun: document
    for document in (
        DocumentSource(
            Country,
            _combine(
                _bilingual("name"),
                _aliases,
                _fields("alpha3", "alpha2", "m49", "cow_code", "wikidata"),
            ),
            _no_dates,
            related=("aliases",),
        ),
        DocumentSource(AllyList, _bilingual("title"), _bilingual("intro", is_prose=True)),
        DocumentSource(
            Alliance,
            _combine(_bilingual("title"), _aliases, _fields("identifier", "wikidata")),
            _bilingual("summary", is_prose=True),
            _days_of_alliance,
            related=("aliases",),
        ),
        DocumentSource(
            Event,
            _combine(_bilingual("title"), _fields("identifier")),
            _combine(_bilingual("summary", is_prose=True), _bilingual("place", "attributed_to")),
            lambda event: _span(event.date_earliest, event.date_latest),
        ),
        DocumentSource(Source, _titles_of_source, _fields("author", "credit"), _days_of_source),
        DocumentSource(Entry, _no_dates, _bilingual("prose", is_prose=True)),
    )
}
