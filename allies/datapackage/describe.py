"""The description of a data package: as JSON for software, and as text in every language."""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

#: A text, or a lazy one that follows the active language.
Words = object

#: Known licences: SPDX identifier → (URL, name).
LICENCES = {
    "CC0-1.0": (
        "https://creativecommons.org/publicdomain/zero/1.0/",
        "Creative Commons Zero 1.0",
    ),
    "CC-BY-4.0": (
        "https://creativecommons.org/licenses/by/4.0/",
        "Creative Commons Attribution 4.0",
    ),
    "CC-BY-SA-4.0": (
        "https://creativecommons.org/licenses/by-sa/4.0/",
        "Creative Commons Attribution-ShareAlike 4.0",
    ),
    "ODC-BY-1.0": (
        "https://opendatacommons.org/licenses/by/1-0/",
        "Open Data Commons Attribution License 1.0",
    ),
    "ODbL-1.0": (
        "https://opendatacommons.org/licenses/odbl/1-0/",
        "Open Data Commons Open Database License 1.0",
    ),
    "PDDL-1.0": (
        "https://opendatacommons.org/licenses/pddl/1-0/",
        "Open Data Commons Public Domain Dedication and License 1.0",
    ),
}


@dataclass(frozen=True)
class Field:
    """A column of a table. ``type`` is its type in the table schema.

    With ``many``, a cell holds any number of the choices, separated by spaces.
    """

    name: str
    title: Words
    description: Words = ""
    type: str = "string"
    choices: tuple[str, ...] = ()
    many: bool = False


@dataclass(frozen=True)
class ForeignKey:
    """A column that refers to a column of another table; ``table`` is "" for the same table."""

    field: str
    table: str
    key: str


class DataSource(NamedTuple):
    """A data set that the rows of a table rest on; ``licence`` is as its publisher says.

    ``redistribution`` says whether its rows may be passed on; None if that is not known.
    """

    key: str
    title: str
    publisher: str
    authors: tuple[str, ...] = ()
    url: str = ""
    doi: str = ""
    licence: str = ""
    redistribution: bool | None = None

    @property
    def name(self) -> str:
        return f"{self.publisher}: {self.title}"

    def as_data(self) -> dict[str, object]:
        """Return the source for JSON, without unknown values."""
        found = {**self._asdict(), "authors": list(self.authors)}
        return {name: value for name, value in found.items() if value not in ("", None, [])}


@dataclass(frozen=True)
class Table:
    """A table to write; ``whole`` is its number of rows without a filter.

    ``sources`` are the data sets that its rows rest on. ``left_out`` is the number of rows that
    rest only on data sets whose rows may not be passed on.
    """

    name: str
    title: Words
    fields: Sequence[Field]
    rows: Iterable[Sequence[object]]
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    whole: int | None = None
    sources: Sequence[DataSource] = ()
    left_out: int = 0

    @property
    def path(self) -> str:
        return f"data/{self.name}.csv"


@dataclass(frozen=True)
class PackageDescription:
    """Metadata of the whole package; ``filters`` are labels and values as shown to readers."""

    name: str
    title: Words
    licence: str
    changed: dt.datetime | None
    url: str = ""
    filters: Sequence[tuple[Words, Words]] = ()


class WrittenTable(NamedTuple):
    """A table after it was written, with its number of rows, its size in bytes and its hash."""

    table: Table
    rows: int
    size: int
    sha256: str

    @property
    def whole(self) -> int:
        return self.rows if self.table.whole is None else self.table.whole


def timestamp(moment: dt.datetime) -> str:
    """Return a time in UTC with microseconds, in the format of RFC 3339."""
    return f"{moment.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def package_version(changed: dt.datetime | None, hashes: Iterable[tuple[str, str]]) -> str:
    """Return a version: the day of the last change, and a hash that identifies the content.

    ``hashes`` are (path, SHA-256) of each table.
    """
    digest = sha256("".join(f"{sha} {path}\n" for path, sha in hashes).encode()).hexdigest()
    day = changed.astimezone(dt.UTC).date().isoformat() if changed else "0000-00-00"
    return f"{day}-{digest[:12]}"


def table_version(about: PackageDescription, written: Sequence[WrittenTable]) -> str:
    return package_version(about.changed, ((done.table.path, done.sha256) for done in written))


# For software.


def build_datapackage(
    about: PackageDescription, written: Sequence[WrittenTable]
) -> dict[str, object]:
    """Return the content of ``datapackage.json``."""
    return {
        "profile": "tabular-data-package",
        "name": about.name,
        **_localized_property("title", about.title),
        **({"homepage": about.url} if about.url else {}),
        "version": table_version(about, written),
        **({"created": timestamp(about.changed)} if about.changed else {}),
        "licenses": [licence_as_data(about.licence)],
        **({"filters": _filters(about)} if about.filters else {}),
        "resources": [_resource(done, about.licence) for done in written],
    }


def licence_as_data(name: str) -> dict[str, str]:
    """Return the name of a licence, with its URL and title if it is known."""
    path, title = LICENCES.get(name, ("", ""))
    return {"name": name, **({"path": path, "title": title} if path else {})}


def licence_scope() -> str:
    """Return what our licence covers, in tables that rest on data sets of others."""
    return _(
        "The licence covers the texts, the selection and the structure of this site. Rows that "
        "rest on data sets of others keep the terms of their publishers."
    )


def _provenance(table: Table, licence: str) -> dict[str, object]:
    """Return the data sets of a table, its licences (ours and theirs), and the rows left out."""
    if not table.sources:
        return {}
    ours = licence_as_data(licence)
    return {
        "sources": [
            {**one.as_data(), "title": one.name, **({"path": one.url} if one.url else {})}
            for one in table.sources
        ],
        "licenses": [
            {**ours, "title": f"{ours.get('title', licence)} ({settings.SITE_NAME})"},
            *(_licence_of(one) for one in table.sources if one.licence),
        ],
        "rows_left_out": table.left_out,
    }


def _licence_of(source: DataSource) -> dict[str, str]:
    known = source.licence in LICENCES
    said = licence_as_data(source.licence) if known else {"name": "other"}
    return {**said, "title": f"{said.get('title', source.licence)} ({source.name})"}


def _filters(about: PackageDescription) -> dict[str, list[str]]:
    return in_all_languages(
        lambda: [f"{label}: {value}" for label, value in about.filters],
    )


def _resource(done: WrittenTable, licence: str) -> dict[str, object]:
    table = done.table
    return {
        "profile": "tabular-data-resource",
        "name": table.name,
        "path": table.path,
        **_localized_property("title", table.title),
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": done.size,
        "hash": f"sha256:{done.sha256}",
        "rows": done.rows,
        "rows_without_filter": done.whole,
        **_provenance(table, licence),
        "dialect": {
            "delimiter": ",",
            "lineTerminator": "\n",
            "quoteChar": '"',
            "doubleQuote": True,
            "skipInitialSpace": False,
            "header": True,
        },
        "schema": _schema(table),
    }


def _schema(table: Table) -> dict[str, object]:
    schema: dict[str, object] = {
        "fields": [_field(field) for field in table.fields],
        "missingValues": [""],
    }
    if table.primary_key:
        schema["primaryKey"] = list(table.primary_key)
    if table.foreign_keys:
        schema["foreignKeys"] = [
            {"fields": [key.field], "reference": {"resource": key.table, "fields": [key.key]}}
            for key in table.foreign_keys
        ]
    return schema


def _field(field: Field) -> dict[str, object]:
    described: dict[str, object] = {"name": field.name, "type": field.type}
    if field.type == "boolean":
        described |= {"trueValues": ["yes"], "falseValues": ["no"]}
    described |= _localized_property("title", field.title)
    if field.description:
        described |= _localized_property("description", field.description)
    if field.choices and field.many:
        one = f"({'|'.join(map(re.escape, field.choices))})"
        described["constraints"] = {"pattern": f"{one}( {one})*"}
    elif field.choices:
        described["constraints"] = {"enum": list(field.choices)}
    return described


def _localized_property(name: str, words: Words) -> dict[str, object]:
    """Return a property in English, as Frictionless needs it, and its plural in all languages."""
    texts = in_all_languages(lambda: str(words))
    return {name: texts["en"], f"{name}s": texts}


def in_all_languages(say: Callable[[], object]) -> dict[str, Any]:
    """Return the result of ``say`` in each language of the site, by language code."""
    said = {}
    for code, _name in settings.LANGUAGES:
        with override(code):
            said[code] = say()
    return said


# For people.


def build_readme(about: PackageDescription, written: Sequence[WrittenTable]) -> str:
    """Return the README, in every language."""
    return _documents(lambda: _readme(about, written))


def build_data_dictionary(tables: Sequence[Table]) -> str:
    """Return the data dictionary, in every language."""
    return _documents(lambda: _dictionary(tables))


def _documents(write: Callable[[], list[str]]) -> str:
    return "\n---\n\n".join("\n".join(lines) + "\n" for lines in in_all_languages(write).values())


def _readme(about: PackageDescription, written: Sequence[WrittenTable]) -> list[str]:
    path, title = LICENCES.get(about.licence, ("", ""))
    licence = f"{title} ({about.licence}), {path}" if path else about.licence
    filters = "; ".join(f"{label}: {value}" for label, value in about.filters)
    lines = [
        f"# {about.title}",
        "",
        _("- Edition: %(version)s") % {"version": table_version(about, written)},
    ]
    if about.changed:
        lines.append(_("- Last change: %(moment)s") % {"moment": timestamp(about.changed)})
    lines.append(_("- Licence: %(licence)s") % {"licence": licence})
    if any(done.table.sources for done in written):
        lines.append(f"  {licence_scope()}")
    lines.append(_("- Filter: %(filters)s") % {"filters": filters or _("none")})
    if about.url:
        lines.append(_("- Address: %(address)s") % {"address": about.url})
    lines += ["", _("## Files"), ""]
    lines += [
        _("- `%(path)s`: %(title)s, %(rows)d of %(whole)d rows")
        % {
            "path": done.table.path,
            "title": done.table.title,
            "rows": done.rows,
            "whole": done.whole,
        }
        for done in written
    ]
    lines += [
        _("- `data-dictionary.md`: what every column means"),
        _("- `datapackage.json`: the same for software, with checksums of the files"),
        "",
        *_sources_and_licences(written),
        _("## Cell format"),
        "",
        *_how_cells_are_written(),
    ]
    return lines


def _sources_and_licences(written: Sequence[WrittenTable]) -> list[str]:
    """Return the section on the data sets of the tables; [] if there are none."""
    tables = [done.table for done in written if done.table.sources]
    if not tables:
        return []
    lines = [_("## Sources and licences"), ""]
    for table in tables:
        lines += [
            _("`%(path)s` rests on these data sets, among other sources:") % {"path": table.path}
        ]
        lines += ["", *map(_source_line, table.sources), ""]
        if table.left_out:
            said = ngettext(
                "%(number)d row is left out, because it rests only on data sets whose rows may not "
                "be passed on. Its page and filtered views show it.",
                "%(number)d rows are left out, because they rest only on data sets whose rows may "
                "not be passed on. Their pages and filtered views show them.",
                table.left_out,
            )
            lines += [said % {"number": table.left_out}, ""]
    return lines


def _source_line(source: DataSource) -> str:
    licence = LICENCES.get(source.licence, ("", source.licence))[1]
    parts = [
        "; ".join(source.authors),
        source.name,
        _("Licence: %(licence)s") % {"licence": licence or _("not known")},
        _("Its rows may not be passed on") if source.redistribution is False else "",
        f"https://doi.org/{source.doi}" if source.doi else source.url,
    ]
    return f"- {'. '.join(part for part in parts if part)}"


def _how_cells_are_written() -> list[str]:
    return [
        _(
            "- UTF-8, separated by commas, one line (LF) per row; an empty "
            "cell means not known or none."
        ),
        _(
            "- A cell that begins with =, +, -, @, a tab or a carriage "
            "return starts with an extra apostrophe, so that no "
            "spreadsheet runs it as a formula. Remove that apostrophe "
            "before you use the value."
        ),
        _(
            "- Dates are as precise as they are known (EDTF, ISO 8601-2): "
            "2024-06-19, 2024-05, 2023, 2024-03/2024-06, ../2022-02-24."
        ),
        _("- Flags are yes or no; an empty flag means not known."),
    ]


def _dictionary(tables: Sequence[Table]) -> list[str]:
    lines = [_("# Data dictionary"), "", *_how_cells_are_written()]
    for table in tables:
        lines += ["", f"## `{table.path}`: {table.title}", ""]
        lines += [
            _("| Column | Title | Type | Contents |"),
            "| --- | --- | --- | --- |",
            *(_dictionary_row(field) for field in table.fields),
        ]
    return lines


def _dictionary_row(field: Field) -> str:
    holds = str(field.description)
    if field.choices:
        said = _("Any of: %(choices)s.") if field.many else _("One of: %(choices)s.")
        one_of = said % {"choices": ", ".join(field.choices)}
        holds = f"{holds} {one_of}".strip()
    cells = [f"`{field.name}`", str(field.title), field.type, holds]
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"
