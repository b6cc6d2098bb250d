"""Turn the specs of a mapping's fields into functions of a row."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import override

from allies.imports.mapping_shapes import as_list
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
from allies.imports.rows import LEFT_OUT, Cell, CellProblem
from allies.imports.tables import Table
from allies.models import Country
from allies.models.translation import SUFFIXES

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")

#: The longest slug that a mapping makes of a text.
_SLUG_LENGTH = 100

#: From a row's cells to the cell for our field.
Feed = Callable[[Sequence[str]], Cell]

#: Whether a row meets a condition.
Condition = Callable[[Sequence[str]], bool]


class SpecCompiler:
    """Compiles the specs of one record type; the result of a single column is cached per text."""

    def __init__(
        self,
        table: Table,
        plan: Plan,
        countries: Mapping[str, str],
        companions: Mapping[str, Table],
    ) -> None:
        self.table = table
        self.plan = plan
        self.countries = countries
        self.companions = companions
        self.at = {name: n for n, name in enumerate(table.columns)}
        #: Values to collect before the first row, per file ("" for the file itself): key in the
        #: plan → how to read (record, value) from a row.
        self._gathers: dict[str, dict[str, Callable[[Sequence[str]], tuple[str, str] | None]]] = {}
        self._names: dict[str, dict[str, str]] = {}

    def is_available(self, spec: Mapping[str, Any]) -> bool:
        """Return whether the files that a spec needs are given."""
        file = spec.get("gather", {}).get("file", "")
        return not file or file in self.companions

    def feed(self, spec: Mapping[str, Any]) -> Feed:
        """Return the function that makes the cell of a field."""
        feed = self._only_when(spec, self._feed_value(spec))
        if "else" not in spec:
            return feed
        feeds = [feed, *(self.feed(one) for one in as_list(spec["else"]))]
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

    def _feed_value(self, spec: Mapping[str, Any]) -> Feed:
        finish = self._finisher(spec)
        if "constant" in spec:
            constant = str(spec["constant"])
            return lambda cells: constant
        if "gather" in spec:
            return self._collected(spec)
        if "date" in spec:
            return self._by_if(spec, self._date(spec))
        if "text" in spec:
            return self._text(spec, finish)
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
        gathers = self._gathers.setdefault("", {})
        gathers[key] = lambda cells: (cells[per], "") if holds(cells[at].strip()) else None

        @lru_cache(maxsize=4096)
        def in_any_row(value: str) -> bool:
            return bool(self.plan.collected_values(key, value))

        return lambda cells: in_any_row(cells[per])

    # The result for one text.

    def _finisher(self, spec: Mapping[str, Any]) -> Callable[[str], Cell]:
        nothing = frozenset(spec.get("nothing", ()))
        values, unlisted = spec.get("values"), spec.get("unlisted")
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
                    if unlisted is not None:
                        return str(unlisted)
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
            if spec.get("slugify"):
                return _short_slug(word)
            if cut and len(word) > cut:
                return f"{word[: cut - 1].rstrip()}…"
            return word if word != text.strip() or values is not None else text

        return finish

    def _text(self, spec: Mapping[str, Any], finish: Callable[[str], Cell]) -> Feed:
        own = spec.get("with", {})
        parts = _PLACEHOLDER.split(spec["text"])
        feeds: list[Feed | str] = []
        for n, part in enumerate(parts):
            if n % 2 == 0:
                feeds.append(part)
            else:
                feeds.append(self.feed(own.get(part, {"column": part})))

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

    def _date(self, spec: Mapping[str, Any]) -> Feed:
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

    # Values collected over several rows or columns.

    def _collected(self, spec: Mapping[str, Any]) -> Feed:
        gather = spec["gather"]
        write = self._name_countries(gather) if "first" in gather else gather["join"].join
        if "through" in gather:
            first, last = self.at[spec["column"]], self.at[gather["through"]]

            def write_row(cells: Sequence[str]) -> Cell:
                texts = (cell.strip() for cell in cells[first : last + 1])
                return write(list(dict.fromkeys(text for text in texts if text)))

            return write_row

        file = gather.get("file", "")
        at = {n: i for i, n in enumerate(self.companions[file].columns)} if file else self.at
        per, of = at[gather["per"]], at[spec["column"]]
        key = json.dumps([file, gather["per"], spec["column"]])

        def read(cells: Sequence[str]) -> tuple[str, str] | None:
            value = cells[of].strip()
            return (cells[per], value) if value else None

        self._gathers.setdefault(file, {})[key] = read

        @lru_cache(maxsize=4096)
        def write_collected(value: str) -> str:
            return write(self.plan.collected_values(key, value))

        own = self.at[gather["per"]]
        return lambda cells: write_collected(cells[own])

    def _name_countries(self, gather: Mapping[str, Any]) -> Callable[[list[str]], str]:
        """Return the function that lists the names of countries, given their COW codes."""
        language, shown = gather["language"], gather["first"]
        pair = gather.get("pair", ", ")

        def write(codes: list[str]) -> str:
            names = self._country_names(language)
            found = (self.countries.get(code, code) for code in codes)
            known = [code for code in found if code]
            listed = [names.get(code) or code for code in known[:shown]]
            more = len(known) - shown
            if more > 0:
                with override(language):
                    return _("%(names)s and %(count)d more") % {
                        "names": ", ".join(listed),
                        "count": more,
                    }
            return (pair if len(listed) == 2 else ", ").join(listed)

        return write

    def _country_names(self, language: str) -> dict[str, str]:
        if language not in self._names:
            field = f"name_{SUFFIXES[language]}"
            found = Country.objects.exclude(cow_code=None).values_list("cow_code", field)
            self._names[language] = {str(code): name for code, name in found}
        return self._names[language]

    def collect_all(self) -> None:
        """Read each file once in advance, for values that are collected over several rows."""
        wanted, self._gathers = self._gathers, {}
        for file, gathers in wanted.items():
            table = self.companions[file] if file else self.table
            self.plan.add_collected(
                (key, *pair)
                for row in table.rows()
                if not row.problem
                for key, read in gathers.items()
                if (pair := read(row.cells))
            )


def _short_slug(text: str) -> str:
    """Return the slug of a text, with whole words if it has to be cut."""
    slug = slugify(text)
    if len(slug) <= _SLUG_LENGTH:
        return slug
    return slug[: _SLUG_LENGTH + 1].rpartition("-")[0] or slug[:_SLUG_LENGTH]


def columns_of(spec: Mapping[str, Any]) -> list[str]:
    """Return the columns of the file itself that a field's value comes from."""
    own = spec.get("with", {})
    gather = spec.get("gather", {})
    found = [spec["column"]] if "column" in spec and "file" not in gather else []
    found += list(spec.get("date", []))
    for part in _PLACEHOLDER.findall(spec.get("text", "")):
        found += columns_of(own[part]) if part in own else [part]
    if "by_if" in spec:
        found.append(spec["by_if"]["column"])
    found += [gather[name] for name in ("per", "through") if name in gather]
    for condition in (*as_list(spec.get("when")), *as_list(spec.get("unless"))):
        found += [condition[name] for name in ("column", "per") if name in condition]
    for one in as_list(spec.get("else")):
        found += columns_of(one)
    return list(dict.fromkeys(found))
