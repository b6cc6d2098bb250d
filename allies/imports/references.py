"""Look up the records that a file's cells refer to, one chunk at a time."""

from collections import defaultdict
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from allies.imports.alliance_names import AllianceNames
from allies.imports.plan import Plan
from allies.models import (
    Alias,
    Alliance,
    AllyList,
    Country,
    Entry,
    Event,
    Membership,
    OldSlug,
    Source,
    url_field,
)
from allies.text.normalize import normalize_text


class CellError(ValueError):
    """A cell that cannot be parsed; the exception's text says what is accepted."""


class UnknownRecord(CellError):
    """A cell refers to a record that does not exist, or to more than one."""


class SkippedRecord(CellError):
    """A cell refers to a record of this import that is left out."""


class UnknownCountry(UnknownRecord):
    """A cell refers to an unknown country name or code."""


#: Prefixes that say which code a country cell contains, as in "m49:643". Without one, any is tried.
COUNTRY_CODES = ("alpha2", "alpha3", "m49", "cow", "name")


class CountryIndex:
    """All countries by all codes and names: a few thousand short texts, read once per run."""

    def __init__(self) -> None:
        self._codes: dict[str, Country] = {}
        self._by_code: dict[str, Country] = {}
        self._names: dict[str, dict[int, Country]] = defaultdict(dict)
        self._slugs: dict[str, Country] = {}
        countries = {country.pk: country for country in Country.objects.all()}
        for country in countries.values():
            self.add(country)
        aliases = Alias.objects.filter(country__isnull=False)
        for country_id, name in aliases.values_list("country_id", "folded"):
            self._names[name][country_id] = countries[country_id]

    def add(self, country: Country) -> None:
        """Index a country by its codes, its slug and its own names."""
        self._codes |= dict.fromkeys(country.codes, country)
        if country.wikidata:
            self._codes[country.wikidata] = country
        for system, code in (
            ("alpha3", country.alpha3),
            ("alpha2", country.alpha2),
            ("m49", country.m49.lstrip("0")),
            ("cow", country.cow_code),
        ):
            if code not in ("", None):
                self._by_code[f"{system}:{code}"] = country
        self._slugs[country.slug] = country
        self._codes.setdefault(country.code.upper(), country)  # the slug if the country has no code
        for name in (country.name_en, country.name_ind):
            if name:
                self._names[normalize_text(name)][country.pk] = country

    def add_name(self, country: Country, name: str) -> None:
        self._names[normalize_text(name)][country.pk] = country

    def find(self, text: str) -> Country:
        """Return the country with this alpha-3, alpha-2, COW or Wikidata code, name or slug.

        A prefix says which of them it is: ``m49:643``, ``cow:365``, ``alpha2:RU``, ``alpha3:RUS``
        or ``name:Rusia``. Raises UnknownCountry, with similar names, if there is none. Raises
        UnknownRecord if a name belongs to more than one country.
        """
        system, colon, rest = text.partition(":")
        if colon and system in COUNTRY_CODES:
            return self._find_named(rest) if system == "name" else self._find_code(system, rest)
        if found := self._codes.get(text.upper()):
            return found
        return self._find_named(text)

    def _find_code(self, system: str, code: str) -> Country:
        digits = code.strip().lstrip("0") if system in ("m49", "cow") else code.strip().upper()
        if found := self._by_code.get(f"{system}:{digits}"):
            return found
        raise UnknownCountry(
            _("no country has this code; check which code it is (%(code)s)") % {"code": system}
        )

    def _find_named(self, text: str) -> Country:
        named = self._names.get(normalize_text(text), {})
        if len(named) == 1:
            return next(iter(named.values()))
        if named:
            raise UnknownRecord(
                _("more than one country has this name: write %(codes)s")
                % {"codes": ", ".join(sorted(country.code for country in named.values()))}
            )
        if found := self._slugs.get(text):
            return found
        raise UnknownCountry(self._advice(text))

    def _advice(self, text: str) -> str:
        near = get_close_matches(normalize_text(text), self._names, n=3, cutoff=0.75)
        likely = {c.pk: f"{c.name} ({c.code})" for name in near for c in self._names[name].values()}
        accepted = _("use an alpha-3, alpha-2 or COW code, or any name")
        if not likely:
            return _("no such country; %(accepted)s") % {"accepted": accepted}
        return _("no such country; did you mean %(likely)s? Otherwise %(accepted)s") % {
            "likely": ", ".join(likely.values()),
            "accepted": accepted,
        }


#: Model → the fields that files may refer to it by, in the order they are tried.
_KEYS: dict[type[models.Model], tuple[str, ...]] = {
    Source: ("key",),
    Alliance: ("slug", "identifier", "wikidata"),
    Event: ("slug", "identifier"),
    AllyList: ("slug",),
}

_LOOKUP_HINTS: dict[type[models.Model], Callable[[], str]] = {
    Source: lambda: _("no such source; use a citation key"),
    Alliance: lambda: _("no such alliance; use a slug, a data-set ID, a Wikidata ID or a name"),
    Event: lambda: _("no such event; use a slug or data-set ID"),
    AllyList: lambda: _("no such ally list; use a slug"),
    Entry: lambda: (
        _("no such entry; use list slug/country, like %(example)s") % {"example": "russia-asia/CHN"}
    ),
    Membership: lambda: (
        _("no such membership; use alliance slug/country/date of joining, like %(example)s")
        % {"example": "nato/SWE/2024-03-07"}
    ),
}


class References:
    """Look up records by natural key, in the database and among those this run will create."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._countries: CountryIndex | None = None
        self._chunk: dict[type[models.Model], dict[str, Any]] = defaultdict(dict)
        self._names = AllianceNames(plan)
        #: Names in this chunk that several alliances have.
        self._ambiguous: dict[str, list[Alliance]] = {}

    @property
    def countries(self) -> CountryIndex:
        if self._countries is None:
            self._countries = CountryIndex()
        return self._countries

    def begin_chunk(self) -> None:
        """Forget the records of the previous chunk."""
        self._chunk.clear()
        self._ambiguous.clear()

    def prefetch(self, model: type[models.Model], texts: set[str]) -> None:
        """Load the records of a model that these texts refer to; one query per key."""
        if model is Country or not texts:
            return
        if model is Entry:
            self._load_entries(texts)
            return
        if model is Membership:
            self._load_memberships(texts)
            return
        found, missing = self._chunk[model], texts - self._chunk[model].keys()
        for key in _KEYS[model]:
            if missing:
                for record in model._default_manager.filter(**{f"{key}__in": missing}):
                    found.setdefault(getattr(record, key), record)
                missing = missing - found.keys()
        if url_field(model) in _KEYS[model] and missing:
            renamed = dict(
                OldSlug.objects.filter(noun=model._meta.model_name, slug__in=missing).values_list(
                    "slug", "record_id"
                )
            )
            records = model._default_manager.in_bulk(renamed.values())
            found |= {slug: records[pk] for slug, pk in renamed.items() if pk in records}
            missing = missing - found.keys()
        if model is Alliance:
            expects = self._plan.expects
            self._load_by_name({text for text in missing if not expects("Alliance", text)})

    def find_by_name(self, model: type[models.Model], texts: set[str]) -> dict[str, list[Any]]:
        """Return text → the records with this name, for alliances; {} for other models."""
        return dict(self._names.find(texts)) if model is Alliance else {}

    def _load_by_name(self, texts: set[str]) -> None:
        for text, alliances in self._names.find(texts).items():
            if len(alliances) == 1:
                self._chunk[Alliance][text] = alliances[0]
            else:
                self._ambiguous[text] = alliances

    def _load_entries(self, texts: set[str]) -> None:
        lists = {text.rpartition("/")[0] for text in texts}
        self.prefetch(AllyList, {slug for slug in lists if slug})
        known = [record for slug in lists if (record := self._chunk[AllyList].get(slug))]
        for entry in Entry.objects.filter(ally_list__in=known).select_related(
            "ally_list", "country"
        ):
            self._chunk[Entry][f"{entry.ally_list_id}/{entry.country_id}"] = entry

    def find(self, model: type[models.Model], text: str) -> Any:
        """Return the record that a cell refers to; raise UnknownRecord with what is accepted."""
        if model is Country:
            return self.countries.find(text)
        if model is Entry:
            return self._find_entry(text)
        if model is Membership:
            return self._find_membership(text)
        found = self._chunk[model].get(text) or self._plan.expected(model.__name__, text)
        if found is None and model is Alliance and (several := self._ambiguous.get(text)):
            raise UnknownRecord(
                _("more than one alliance has this name: write %(slugs)s")
                % {"slugs": _(" or ").join(alliance.slug for alliance in several)}
            )
        if found is None:
            if self._plan.skips(model.__name__, text):
                raise SkippedRecord
            raise UnknownRecord(_LOOKUP_HINTS[model]())
        return found

    def _find_entry(self, text: str) -> Entry:
        slug, _slash, country = text.rpartition("/")
        if not slug:
            raise UnknownRecord(_LOOKUP_HINTS[Entry]())
        ally_list = self.find(AllyList, slug)
        key = f"{ally_list.pk}/{self.countries.find(country).pk}"
        found = self._chunk[Entry].get(key) or self._plan.expected("Entry", key)
        if found is None:
            raise UnknownRecord(_LOOKUP_HINTS[Entry]())
        return found

    def _load_memberships(self, texts: set[str]) -> None:
        slugs = {text.partition("/")[0] for text in texts} - {""}
        self.prefetch(Alliance, slugs)
        known = [
            record
            for slug in slugs
            if (record := self._chunk[Alliance].get(slug) or self._plan.expected("Alliance", slug))
            and record.pk > 0
        ]
        for membership in Membership.objects.filter(alliance__in=known).select_related(
            "alliance", "country"
        ):
            for key in _membership_keys(membership):
                # The key without a date stands for a membership only if it is the only one.
                twice = key in self._chunk[Membership] and key.endswith("/")
                self._chunk[Membership][key] = None if twice else membership

    def _find_membership(self, text: str) -> Membership:
        slug, _slash, rest = text.partition("/")
        country, _slash, joined = rest.partition("/")
        if not country:
            raise UnknownRecord(_LOOKUP_HINTS[Membership]())
        alliance = self.find(Alliance, slug)
        key = f"{alliance.pk}/{self.countries.find(country).pk}/{joined}"
        found = self._chunk[Membership].get(key) or self._plan.expected("Membership", key)
        if found is None:
            raise UnknownRecord(_LOOKUP_HINTS[Membership]())
        return found

    def expect_as(self, record: models.Model, key: str) -> None:
        """Let later rows refer to an existing record by the key that it has in this file."""
        self._plan.expect_key(type(record).__name__, [key], record)

    def expect(self, record: models.Model) -> None:
        """Make a new record available to later rows, as if it existed."""
        if isinstance(record, Country):
            self.countries.add(record)
        elif isinstance(record, Alias) and record.country:
            self.countries.add_name(record.country, record.name)
        elif isinstance(record, Alias) and record.alliance:
            self._names.expect(record.alliance, [record.name])
        elif isinstance(record, Alliance):
            self._names.expect(record, [record.title_en, record.title_ind])
        if isinstance(record, Entry):
            keys = [f"{record.ally_list_id}/{record.country_id}"]
            self._plan.expect_key("Entry", keys, record)
        elif isinstance(record, Membership):
            self._plan.expect_key("Membership", _membership_keys(record), record)
        elif type(record) in _KEYS:
            keys = [getattr(record, key) for key in _KEYS[type(record)]]
            self._plan.expect_key(type(record).__name__, keys, record)


def _membership_keys(membership: Membership) -> list[str]:
    """Return the keys of a membership: with its date of joining, and without."""
    key = f"{membership.alliance_id}/{membership.country_id}/"
    return list(dict.fromkeys([f"{key}{membership.joined}", key]))
