"""Mappings: which columns of a file go into which of our fields, as JSON instead of code.

A mapping says, for each record type in the file's rows, which column goes into which field::

    {
      "name": "COW formal alliances, by member",
      "records": [{"noun": "sources", "cells": {"key": "cow-alliances-4-1", …}}],
      "nouns": [
        {"noun": "memberships",
         "fields": {
           "alliance": {"text": "cow:{version4id}"},
           "country": {"column": "ccode", "country": "cow"},
           "joined": {"date": ["mem_st_year", "mem_st_month", "mem_st_day"]},
           "role": {"constant": "member"}},
         "when": {"column": "ss_type", "is": ["Type III: Entente"]},
         "only_new": ["role"]}],
      "countries": {"Ruritania": "RUS", "Atlantis": ""},
      "aliases": ["Ruritania"]
    }

The value of a field comes from exactly one of:

- ``column``: a column;
- ``constant``: the same value in every row;
- ``text``: a text with column names in braces; ``with`` has specs for columns to process first;
- ``date``: the columns of year, month and day.

``when`` limits a field, or a whole record type, to the rows in which a column has one of the values
in ``is``, or any value. ``else`` is the spec to use if the first one gives an empty cell, or a list
of specs to try in turn.

The ``when`` of a field can be a list of conditions, which must all hold. ``unless`` is the
opposite: the field is empty if one of its conditions holds. These conditions can also say:

- ``starts``, ``ends``, ``has``: the text starts with, ends with or contains one of these texts;
- ``from``, ``to``: the text is this one or later, or this one or earlier, in alphabetical order;
- ``longest``: the text has at most so many characters;
- ``per``: the condition holds in any row that has the same text in this column.

These work on the result, in this order. A ``date`` uses only ``nothing``, ``precision`` and
``by_if``.

- ``nothing``: texts that mean an empty cell, for example "still in force";
- ``before``: keep only the text before the first of these texts;
- ``part``: keep only the part with this ``number`` of a text separated ``by`` a text;
- ``values``: the file's word → our word; other words are refused;
- ``sentence``: write a text in capitals in sentence case, but these names as they are given;
- ``longest``: a text with more characters gives an empty cell;
- ``order``: the order of day, month and year in a date of digits (dmy, mdy, ymd);
- ``precision``: shorten a date to its month or year;
- ``country``: the code that identifies a country (alpha2, alpha3, m49, cow, name; default: any);
- ``cut``: the maximum length, in characters; a longer text is cut off;
- ``by_if``: if the given column has one of the given values, the date means "not later than".

``gather`` replaces them: it collects the distinct COW codes of the column over all rows with the
same ``per``. The cell lists the names of the ``first`` so many countries in ``language``, and how
many more there are.

``replaces`` of a record type corrects what an earlier version of the mapping wrote. It is a list
of sets of fields, each with its earlier spec. An existing record that still has all earlier values
of a set gets the new values of its fields. Otherwise it keeps them: an editor wrote them.

``records`` are imported in addition to the rows, for example the source of the file. ``countries``
are an editor's decisions for this file: the code of a country that was not recognised, or "" to
skip its rows. ``aliases`` lists those of them to save as further names of the country.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import override

from allies.imports.mapping_schema import InvalidMapping, as_list, validate_mapping
from allies.imports.mapping_steps import (
    join_date,
    not_later_than,
    parse_ordered_date,
    reduce_precision,
    sentence_writer,
    text_condition,
    text_shortener,
)
from allies.imports.plan import Plan
from allies.imports.resources import RESOURCES
from allies.imports.rows import LEFT_OUT, Cell, CellProblem, Row, Rows
from allies.imports.tables import Table
from allies.models import Country
from allies.models.translation import SUFFIXES

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")

#: From a row's cells to the cell for our field.
Feed = Callable[[Sequence[str]], Cell]

#: Whether a row meets a condition.
Condition = Callable[[Sequence[str]], bool]


class FileMapping:
    """A validated mapping, ready to be applied to a table.

    Raises InvalidMapping if it is malformed, or names unknown record types or fields.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        validate_mapping(data)
        self.data = data
        self.name = str(data.get("name", ""))
        self.records = list(data.get("records", []))
        self.nouns = list(data.get("nouns", []))
        self.countries: dict[str, str] = dict(data.get("countries", {}))
        self.aliases: list[str] = list(data.get("aliases", []))

    @property
    def columns(self) -> list[str]:
        """The file's columns that the mapping uses, without duplicates."""
        found: list[str] = []
        for noun in self.nouns:
            for spec in noun["fields"].values():
                found += _columns_of(spec)
            for earlier in noun.get("replaces", []):
                for spec in earlier.values():
                    found += _columns_of(spec)
            if when := noun.get("when"):
                found.append(when["column"])
        return list(dict.fromkeys(found))

    @property
    def only_new(self) -> dict[str, frozenset[str]]:
        kept = {noun["noun"]: frozenset(noun.get("only_new", [])) for noun in self.nouns}
        for record in self.records:  # an editor may have improved these since
            key = RESOURCES[record["noun"]].identities[0]
            kept[record["noun"]] = frozenset(record["cells"]).difference(key)
        return kept

    def missing(self, columns: Iterable[str]) -> list[str]:
        """Return the columns that the mapping uses and that are not among these."""
        return [name for name in self.columns if name not in set(columns)]

    def provided_records(self, table: Table, plan: Plan) -> list[tuple[str, Rows]]:
        """Return the table's rows per record type, ordered so that references are resolved.

        Reads the file once per record type. Raises InvalidMapping if a column is missing.
        """
        if missing := self.missing(table.columns):
            raise InvalidMapping(
                _("The file has no column %(names)s.") % {"names": ", ".join(missing)}
            )
        found: list[tuple[str, Rows]] = []
        if self.aliases:
            found.append(("aliases", self._alias_rows()))
        for record in self.records:
            cells = [str(cell) for cell in record["cells"].values()]
            found.append((record["noun"], _first_row_only(list(record["cells"]), cells)))
        for noun in self.nouns:
            found.append((noun["noun"], self._rows(noun, table, plan, first=noun is self.nouns[0])))
        return sort_by_dependency(found)

    def _alias_rows(self) -> Rows:
        kept = [(self.countries[text], text) for text in self.aliases if self.countries.get(text)]
        rows = [Row(0, [country, text]) for country, text in kept]
        return Rows(["country", "name"], lambda: iter(rows))

    def _rows(self, noun: Mapping[str, Any], table: Table, plan: Plan, *, first: bool) -> Rows:
        countries = {
            field.column_name
            for field, cell in RESOURCES[noun["noun"]]().references()
            if cell.model is Country
        }
        fields = {
            name: {"country": "any", **spec} if name in countries else spec
            for name, spec in noun["fields"].items()
        }
        compiler = _Compiler(table, plan, self.countries)
        feeds = [compiler.feed(name, spec) for name, spec in fields.items()]
        replaced = noun.get("replaces", [])
        earlier = [compiler.feed(name, spec) for old in replaced for name, spec in old.items()]
        carried = compiler.condition(noun.get("when"))
        called = {name: " + ".join(_columns_of(spec)) or name for name, spec in fields.items()}

        def read() -> Iterator[Row[Cell]]:
            compiler.collect_all()
            for row in table.rows():
                cells = row.cells
                if row.problem:
                    if first:
                        yield Row(row.number, (), row.problem)
                elif carried is None or carried(cells):
                    made, outdated = [f(cells) for f in feeds], [f(cells) for f in earlier]
                    yield Row(row.number, made, earlier=outdated)

        return Rows(list(fields), read, called, [list(old) for old in replaced])


def sort_by_dependency(files: Iterable[tuple[str, Rows]]) -> list[tuple[str, Rows]]:
    """Sort rows by record type, so that the records they refer to come first."""
    order = list(RESOURCES)
    return sorted(files, key=lambda pair: order.index(pair[0]))


class _Compiler:
    """Turns specs into functions of a row; the result of a single column is cached per text."""

    def __init__(self, table: Table, plan: Plan, countries: Mapping[str, str]) -> None:
        self.table = table
        self.plan = plan
        self.countries = countries
        self.at = {name: n for n, name in enumerate(table.columns)}
        #: Values to collect before the first row: key in the plan → how to read (record, value).
        self._gathers: dict[str, Callable[[Sequence[str]], tuple[str, str] | None]] = {}

    def feed(self, name: str, spec: Mapping[str, Any]) -> Feed:
        feed = self._only_when(spec, self._feed_value(name, spec))
        if "else" not in spec:
            return feed
        feeds = [feed, *(self.feed(name, one) for one in as_list(spec["else"]))]
        return lambda cells: next((cell for feed in feeds if (cell := feed(cells))), "")

    def _only_when(self, spec: Mapping[str, Any], feed: Feed) -> Feed:
        needed, excluded = self._conditions(spec.get("when")), self._conditions(spec.get("unless"))
        if not needed and not excluded:
            return feed

        def limited(cells: Sequence[str]) -> Cell:
            if all(holds(cells) for holds in needed) and not any(h(cells) for h in excluded):
                return feed(cells)
            return ""

        return limited

    def _feed_value(self, name: str, spec: Mapping[str, Any]) -> Feed:
        finish = self._finisher(spec)
        if "constant" in spec:
            constant = str(spec["constant"])
            return lambda cells: constant
        if "gather" in spec:
            return self._collected(name, spec)
        if "date" in spec:
            return self._by_if(spec, self._date(spec, finish))
        if "text" in spec:
            return self._text(name, spec, finish)
        at = self.at[spec["column"]]
        remembered = lru_cache(maxsize=4096)(finish)
        return self._by_if(spec, lambda cells: remembered(cells[at]))

    def condition(self, when: Mapping[str, Any] | None) -> Condition | None:
        """Return the condition of a record type; None if there is none."""
        return self._condition(when) if when else None

    def _conditions(self, when: Any) -> list[Condition]:
        return [self._condition(one) for one in as_list(when)]

    def _condition(self, when: Mapping[str, Any]) -> Condition:
        at, holds = self.at[when["column"]], text_condition(when)
        if "per" not in when:
            return lambda cells: holds(cells[at].strip())
        per = self.at[when["per"]]
        key = json.dumps(when, sort_keys=True)
        self._gathers[key] = lambda cells: (cells[per], "") if holds(cells[at].strip()) else None

        @lru_cache(maxsize=4096)
        def in_any_row(value: str) -> bool:
            return bool(self.plan.collected_values(key, value))

        return lambda cells: in_any_row(cells[per])

    # The result for one text.

    def _finisher(self, spec: Mapping[str, Any]) -> Callable[[str], Cell]:
        nothing = frozenset(spec.get("nothing", ()))
        values = spec.get("values")
        order, cut = spec.get("order"), spec.get("cut")
        precision, longest = spec.get("precision"), spec.get("longest")
        shorten = text_shortener(spec)
        write = sentence_writer(spec["sentence"]) if "sentence" in spec else None
        system = spec.get("country", "")
        countries = self.countries if system else {}

        def finish(text: str) -> Cell:
            word = text.strip()
            if nothing and word in nothing:
                return ""
            word = shorten(word)
            if values is not None and word:
                if word not in values:
                    return CellProblem(
                        text, _("values in the mapping: %(words)s") % {"words": ", ".join(values)}
                    )
                word = str(values[word])
                if not word:
                    return CellProblem(text, _("the mapping has no translation for this value"))
            if write:
                word = write(word)
            if longest and len(word) > longest:
                return ""
            if (order or precision) and word:
                date = parse_ordered_date(word, order) if order else word
                return reduce_precision(date, precision)
            if system and word:
                if word in countries:
                    return countries[word] or LEFT_OUT
                return word if system == "any" else f"{system}:{word}"
            if cut and len(word) > cut:
                return f"{word[: cut - 1].rstrip()}…"
            return word if word != text.strip() or values is not None else text

        return finish

    def _text(self, name: str, spec: Mapping[str, Any], finish: Callable[[str], Cell]) -> Feed:
        own = spec.get("with", {})
        parts = _PLACEHOLDER.split(spec["text"])
        feeds: list[Feed | str] = []
        for n, part in enumerate(parts):
            if n % 2 == 0:
                feeds.append(part)
            else:
                feeds.append(self.feed(f"{name} {part}", own.get(part, {"column": part})))

        def feed(cells: Sequence[str]) -> Cell:
            texts, length = [], 0
            for part in feeds:
                text = part if isinstance(part, str) else part(cells)
                if isinstance(text, CellProblem):
                    return text
                texts.append(text)
                length += len(text)
                if (
                    length > settings.IMPORT_MAX_CELL_LENGTH
                ):  # one text may contain the same column many times
                    return CellProblem(
                        f"{''.join(texts)[:80]}…",
                        _("the text combined from these columns has more than %(limit)d characters")
                        % {"limit": settings.IMPORT_MAX_CELL_LENGTH},
                    )
            return finish("".join(texts))

        return feed

    # Dates.

    def _date(self, spec: Mapping[str, Any], finish: Callable[[str], Cell]) -> Feed:
        at = [self.at[column] for column in spec["date"]]
        nothing = frozenset(spec.get("nothing", ()))
        precision = spec.get("precision")

        @lru_cache(maxsize=4096)
        def join(*parts: str) -> Cell:
            words = [part.strip() for part in parts]
            said = ["" if word in nothing else word for word in words]
            if not said[0]:
                return ""
            while not said[-1]:
                said.pop()
            return reduce_precision(join_date(said, "-".join(words)), precision)

        return lambda cells: join(*[cells[n] for n in at])

    def _by_if(self, spec: Mapping[str, Any], feed: Feed) -> Feed:
        if "by_if" not in spec:
            return feed
        at, accepted = self.at[spec["by_if"]["column"]], frozenset(spec["by_if"]["is"])

        def by(cells: Sequence[str]) -> Cell:
            date = feed(cells)
            if date and isinstance(date, str) and cells[at].strip() in accepted:
                return not_later_than(date)
            return date

        return by

    # Values collected over several rows.

    def _collected(self, name: str, spec: Mapping[str, Any]) -> Feed:
        gather = spec["gather"]
        per, of = self.at[gather["per"]], self.at[spec["column"]]
        key = json.dumps([gather["per"], spec["column"]])
        self._gathers[key] = lambda cells: (cells[per], cells[of])
        language, shown = gather["language"], gather["first"]
        names: dict[str, str] = {}

        @lru_cache(maxsize=4096)
        def told(value: str) -> str:
            if not names:
                field = f"name_{SUFFIXES[language]}"
                countries = Country.objects.exclude(cow_code=None)
                names.update(
                    (str(code), found) for code, found in countries.values_list("cow_code", field)
                )
            texts = self.plan.collected_values(key, value)
            with override(language):
                listed = ", ".join(names.get(text) or text for text in texts[:shown])
                more = len(texts) - shown
                if more <= 0:
                    return listed
                return _("%(names)s and %(count)d more") % {"names": listed, "count": more}

        return lambda cells: told(cells[per])

    def collect_all(self) -> None:
        """Read the file once in advance, for values that are collected over several rows."""
        if not self._gathers:
            return
        wanted, self._gathers = self._gathers, {}
        self.plan.add_collected(
            (key, *pair)
            for row in self.table.rows()
            if not row.problem
            for key, read in wanted.items()
            if (pair := read(row.cells))
        )


def _first_row_only(columns: list[str], cells: list[str]) -> Rows:
    return Rows(columns, lambda: iter([Row(0, cells)]))


def _columns_of(spec: Mapping[str, Any]) -> list[str]:
    """Return the file's columns that a field's value comes from."""
    own = spec.get("with", {})
    found = [spec["column"]] if "column" in spec else []
    found += list(spec.get("date", []))
    for part in _PLACEHOLDER.findall(spec.get("text", "")):
        found += _columns_of(own[part]) if part in own else [part]
    if "by_if" in spec:
        found.append(spec["by_if"]["column"])
    if "gather" in spec:
        found.append(spec["gather"]["per"])
    for condition in (*as_list(spec.get("when")), *as_list(spec.get("unless"))):
        found += [condition[name] for name in ("column", "per") if name in condition]
    for one in as_list(spec.get("else")):
        found += _columns_of(one)
    return list(dict.fromkeys(found))


def force_draft_status(data: Mapping[str, Any]) -> dict[str, object]:
    """Return a copy of the mapping that imports everything with a status as a draft."""
    nouns = [
        {**part, "fields": {**part["fields"], **_draft(part["noun"], {"constant": "draft"})}}
        for part in data.get("nouns", [])
    ]
    records = [
        {**record, "cells": {**record["cells"], **_draft(record["noun"], "draft")}}
        for record in data.get("records", [])
    ]
    return {**data, "nouns": nouns, **({"records": records} if records else {})}


def _draft(noun: str, value: object) -> dict[str, object]:
    return {"status": value} if "status" in RESOURCES[noun]().columns else {}


def identity_mapping(noun: str, columns: Iterable[str]) -> dict[str, object]:
    """Return the mapping of a file that uses our own column names of this record type."""
    fields = {name: {"column": name} for name in columns if name in RESOURCES[noun]().columns}
    return {"name": "", "nouns": [{"noun": noun, "fields": fields}]}
