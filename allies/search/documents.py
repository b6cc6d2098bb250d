"""What of each noun can be searched: its names, its other texts, the days it is about."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from allies.models import Alliance, AllyList, Country, Entry, Event, Source
from allies.models.languages import SUFFIXES, Text
from allies.prose import plain

#: First and last day something may be about; a side nobody knows is as far away as can be.
Days = tuple[dt.date, dt.date]


@dataclass(frozen=True)
class Document:
    """How a noun's records are searched; texts come as written, in both languages."""

    model: Any
    names: Callable[[Any], Iterator[Text]]
    body: Callable[[Any], Iterator[Text]]
    days: Callable[[Any], Days | None] = lambda record: None
    #: Relations that the names are read from.
    with_them: tuple[str, ...] = ()

    @property
    def noun(self) -> str:
        return str(self.model._meta.model_name)


def _bilingual(*fields: str, is_prose: bool = False) -> Callable[[Any], Iterator[Text]]:
    """Return what yields these bilingual texts of a record, each with its language."""

    def texts(record: Model) -> Iterator[Text]:
        for field in fields:
            for code, suffix in SUFFIXES.items():
                if value := getattr(record, f"{field}_{suffix}"):
                    yield Text(plain(value) if is_prose else value, code)

    return texts


def _of_no_language(*values: object, language: str = "") -> Iterator[Text]:
    yield from (Text(str(value), language) for value in values if value not in (None, ""))


def _all(*parts: Callable[[Any], Iterator[Text]]) -> Callable[[Any], Iterator[Text]]:
    def texts(record: Model) -> Iterator[Text]:
        for part in parts:
            yield from part(record)

    return texts


def _fields(*names: str) -> Callable[[Any], Iterator[Text]]:
    return lambda record: _of_no_language(*(getattr(record, name) for name in names))


def _aliases(country: Country) -> Iterator[Text]:
    for alias in country.aliases.all():
        yield Text(alias.name, alias.language)


def _titles_of_source(source: Source) -> Iterator[Text]:
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


def _nothing(record: Model) -> Iterator[Text]:
    return iter(())


DOCUMENTS: dict[str, Document] = {
    document.noun: document
    for document in (
        Document(
            Country,
            _all(_bilingual("name"), _aliases, _fields("alpha3", "alpha2", "m49", "cow_code")),
            _nothing,
            with_them=("aliases",),
        ),
        Document(AllyList, _bilingual("title"), _bilingual("intro", is_prose=True)),
        Document(
            Alliance,
            _all(_bilingual("title"), _fields("identifier")),
            _bilingual("summary", is_prose=True),
            _days_of_alliance,
        ),
        Document(
            Event,
            _all(_bilingual("title"), _fields("identifier")),
            _all(_bilingual("summary", is_prose=True), _bilingual("place", "attributed_to")),
            lambda event: _span(event.date_earliest, event.date_latest),
        ),
        Document(Source, _titles_of_source, _fields("author", "credit"), _days_of_source),
        Document(Entry, _nothing, _bilingual("prose", is_prose=True)),
    )
}
