"""Finding the records that a file's cells name, a chunk at a time."""

from collections import defaultdict
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from allies.exchange.ledger import Ledger
from allies.folding import fold
from allies.models import Alias, Alliance, AllyList, Country, Entry, Event, OldSlug, Source


class CellError(ValueError):
    """A cell that cannot be understood; its text says what would be accepted."""


class UnknownRecord(CellError):
    """A cell names a record that does not exist, or that two records could be meant by."""


class CountryIndex:
    """Every country by every code and name: a few thousand short texts, read once a run."""

    def __init__(self) -> None:
        self._codes: dict[str, Country] = {}
        self._names: dict[str, dict[int, Country]] = defaultdict(dict)
        self._slugs: dict[str, Country] = {}
        countries = {country.pk: country for country in Country.objects.all()}
        for country in countries.values():
            self.add(country)
        for country_id, name in Alias.objects.values_list("country_id", "folded"):
            self._names[name][country_id] = countries[country_id]

    def add(self, country: Country) -> None:
        """Make a country findable by its codes, its slug and its own names."""
        for code in (country.alpha3, country.alpha2, country.cow_code):
            if code not in ("", None):
                self._codes[str(code)] = country
        self._slugs[country.slug] = country
        self._codes.setdefault(country.code.upper(), country)  # its slug, where it has no other
        for name in (country.name_en, country.name_ind):
            if name:
                self._names[fold(name)][country.pk] = country

    def add_name(self, country: Country, name: str) -> None:
        self._names[fold(name)][country.pk] = country

    def find(self, text: str) -> Country:
        """Return the country with this alpha-3, alpha-2 or COW code, name, alias or slug.

        Raises UnknownRecord where there is none, with names like it, or more than one.
        """
        if found := self._codes.get(text.upper()):
            return found
        named = self._names.get(fold(text), {})
        if len(named) == 1:
            return next(iter(named.values()))
        if named:
            raise UnknownRecord(
                _("more than one country is called that: write %(codes)s")
                % {"codes": ", ".join(sorted(country.code for country in named.values()))}
            )
        if found := self._slugs.get(text):
            return found
        raise UnknownRecord(self._advice(text))

    def _advice(self, text: str) -> str:
        near = get_close_matches(fold(text), self._names, n=3, cutoff=0.75)
        likely = {c.pk: f"{c.name} ({c.code})" for name in near for c in self._names[name].values()}
        accepted = _("an alpha-3, alpha-2 or COW code, or any name or alias, is accepted")
        if not likely:
            return _("no such country; %(accepted)s") % {"accepted": accepted}
        return _("no such country; did you mean %(likely)s? Else: %(accepted)s") % {
            "likely": ", ".join(likely.values()),
            "accepted": accepted,
        }


#: Noun → the words files may call such a record by, in the order they are tried.
_KEYS: dict[type[models.Model], tuple[str, ...]] = {
    Source: ("key",),
    Alliance: ("slug", "identifier"),
    Event: ("slug", "identifier"),
    AllyList: ("slug",),
}

_ADVICE: dict[type[models.Model], Callable[[], str]] = {
    Source: lambda: _("no such source; the citation key of one is accepted"),
    Alliance: lambda: _("no such alliance; the slug or outside id of one is accepted"),
    Event: lambda: _("no such event; the slug or outside id of one is accepted"),
    AllyList: lambda: _("no such ally list; the slug of one is accepted"),
    Entry: lambda: (
        _("no such entry; list slug/country is accepted, like %(example)s")
        % {"example": "russia-asia/CHN"}
    ),
}


class References:
    """Records by natural key: those in the database, and those this run is about to create."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._countries: CountryIndex | None = None
        self._chunk: dict[type[models.Model], dict[str, Any]] = defaultdict(dict)

    @property
    def countries(self) -> CountryIndex:
        if self._countries is None:
            self._countries = CountryIndex()
        return self._countries

    def begin_chunk(self) -> None:
        """Forget what the chunk before needed."""
        self._chunk.clear()

    def load(self, model: type[models.Model], texts: set[str]) -> None:
        """Read the records of one model that these texts name."""
        if model is Country or not texts:
            return
        if model is Entry:
            self._load_entries(texts)
            return
        found, missing = self._chunk[model], texts - self._chunk[model].keys()
        for key in _KEYS[model]:
            if missing:
                for record in model._default_manager.filter(**{f"{key}__in": missing}):
                    found.setdefault(getattr(record, key), record)
                missing = missing - found.keys()
        if "slug" in _KEYS[model] and missing:
            renamed = dict(
                OldSlug.objects.filter(noun=model._meta.model_name, slug__in=missing).values_list(
                    "slug", "record_id"
                )
            )
            records = model._default_manager.in_bulk(renamed.values())
            found |= {slug: records[pk] for slug, pk in renamed.items() if pk in records}

    def _load_entries(self, texts: set[str]) -> None:
        lists = {text.rpartition("/")[0] for text in texts}
        self.load(AllyList, {slug for slug in lists if slug})
        known = [record for slug in lists if (record := self._chunk[AllyList].get(slug))]
        for entry in Entry.objects.filter(ally_list__in=known).select_related(
            "ally_list", "country"
        ):
            self._chunk[Entry][f"{entry.ally_list_id}/{entry.country_id}"] = entry

    def find(self, model: type[models.Model], text: str) -> Any:
        """Return the record a cell names; raise UnknownRecord, saying what is accepted."""
        if model is Country:
            return self.countries.find(text)
        if model is Entry:
            return self._find_entry(text)
        found = self._chunk[model].get(text) or self._ledger.expected(model.__name__, text)
        if found is None:
            raise UnknownRecord(_ADVICE[model]())
        return found

    def _find_entry(self, text: str) -> Entry:
        slug, _slash, country = text.rpartition("/")
        if not slug:
            raise UnknownRecord(_ADVICE[Entry]())
        ally_list = self.find(AllyList, slug)
        key = f"{ally_list.pk}/{self.countries.find(country).pk}"
        found = self._chunk[Entry].get(key) or self._ledger.expected("Entry", key)
        if found is None:
            raise UnknownRecord(_ADVICE[Entry]())
        return found

    def expect(self, record: Any) -> None:
        """Take a record that this run would create for one that is there."""
        self.written(record)
        if isinstance(record, Entry):
            keys = [f"{record.ally_list_id}/{record.country_id}"]
            self._ledger.expect("Entry", keys, record)
        elif type(record) in _KEYS:
            keys = [getattr(record, key) for key in _KEYS[type(record)]]
            self._ledger.expect(type(record).__name__, keys, record)

    def written(self, record: Any) -> None:
        """Take note of a country or name that this run has written."""
        if isinstance(record, Country):
            self.countries.add(record)
        elif isinstance(record, Alias):
            self.countries.add_name(record.country, record.name)
