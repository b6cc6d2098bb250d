"""The Correlates of War data set of formal alliances, as published.

Source: Gibler, Douglas M. 2009. International Military Alliances, 1648–2008. CQ Press; data set
Formal Alliances v4.1, file ``alliance_v4.1_by_member.csv``: a row a membership. A row is also its
alliance: 1,221 rows are 414 alliances. One code may stand for a state and its predecessor (365:
Russia and the Soviet Union; 255: Germany and Prussia).
"""

import csv
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import override

from allies.exchange.reader import UnreadableFile
from allies.exchange.rows import Row, Rows
from allies.models import AllianceKind, Country
from allies.models.languages import SUFFIXES

COLUMNS = [
    "version4id",
    "ccode",
    "state_name",
    "all_st_day",
    "all_st_month",
    "all_st_year",
    "all_end_day",
    "all_end_month",
    "all_end_year",
    "ss_type",
    "mem_st_day",
    "mem_st_month",
    "mem_st_year",
    "mem_end_day",
    "mem_end_month",
    "mem_end_year",
    "left_censor",
    "defense",
    "neutrality",
    "nonaggression",
    "entente",
]

#: COW's ``ss_type`` → kind of alliance.
KINDS = {
    "Type I: Defense Pact": AllianceKind.DEFENCE_PACT,
    "Type II: Neutrality": AllianceKind.NEUTRALITY_PACT,
    "Type IIa: Non-Aggression Pact": AllianceKind.NON_AGGRESSION_PACT,
    "Type IIb: Non-Aggression Pact": AllianceKind.NON_AGGRESSION_PACT,
    "Type III: Entente": AllianceKind.ENTENTE,
}

SOURCE_KEY = "cow-alliances-4-1"
SOURCE = {
    "key": SOURCE_KEY,
    "kind": "dataset",
    "publisher": "Correlates of War Project",
    "title": "Formal Alliances, version 4.1",
    "author": "Douglas M. Gibler",
    "url": "https://correlatesofwar.org/data-sets/formal-alliances/",
    "language": "en",
    "status": "published",
}

#: What an editor may have improved since: set on new records only.
ONLY_NEW = {
    "sources": frozenset(SOURCE) - {"key"},
    "alliances": frozenset({"slug", "title_en", "title_ind", "status"}),
}


class Spell(NamedTuple):
    """One row of the file: its number, and its cells by column name."""

    number: int
    cells: dict[str, str]


def read(path: Path) -> list[tuple[str, Iterable[Row]]]:
    """Return the rows of the file noun by noun, for ``run_import``.

    The file is read once a noun, so that memory does not grow with it. Raises UnreadableFile,
    while the rows are taken, where a column is missing or a kind or a day is unknown.
    """
    return [
        ("sources", _r(lambda p: iter([Row(1, dict(SOURCE))]),path)),
        ("alliances", _r(_alliances,path)),
        ("memberships", _r(_memberships,path)),
        ("citations", _r(_citations,path)),
    ]


def _r(f, path):
    first = next(f(path))
    return Rows(list(first.cells), lambda: (Row(r.number, list(r.cells.values())) for r in f(path)))


def _spells(path: Path) -> Iterator[Spell]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
            if missing:
                raise UnreadableFile(
                    _("Columns of COW’s by-member file are missing: %(names)s.")
                    % {"names": ", ".join(missing)}
                )
            for number, cells in enumerate(reader, start=2):
                if None in cells or None in cells.values():
                    raise UnreadableFile(
                        _("Row %(row)d has more or fewer cells than the header.") % {"row": number}
                    )
                yield Spell(number, cells)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFile(
            _("This is not readable as CSV: %(error)s.") % {"error": error}
        ) from error


def _by_alliance(path: Path) -> Iterator[list[Spell]]:
    return (list(spells) for _id, spells in groupby(_spells(path), lambda s: s.cells["version4id"]))


def _alliances(path: Path) -> Iterator[Row]:
    countries = Country.objects.exclude(cow_code=None)
    names = {
        suffix: {
            str(code): name
            for code, name in countries.values_list("cow_code", f"name_{suffix}")
            if name
        }
        for suffix in SUFFIXES.values()
    }
    for spells in _by_alliance(path):
        first = spells[0]
        identifier = first.cells["version4id"]
        yield Row(
            first.number,
            {
                "slug": f"cow-{identifier}",
                "identifier": f"cow:{identifier}",
                "kind": _kind(first),
                **{
                    f"title_{suffix}": _title(spells, language, names[suffix])
                    for language, suffix in SUFFIXES.items()
                },
                "in_force": _day(first, "all_st"),
                "ended": _day(first, "all_end"),
                "status": "published",
            },
        )


def _memberships(path: Path) -> Iterator[Row]:
    for spell in _spells(path):
        cells = spell.cells
        joined = _day(spell, "mem_st")
        yield Row(
            spell.number,
            {
                "alliance": f"cow:{cells['version4id']}",
                "country": cells["ccode"],
                # Left-censored: the list begins in 1816, the membership before.
                "joined": f"../{joined}" if cells["left_censor"] == "1" else joined,
                "left": _day(spell, "mem_end"),
                "defence": cells["defense"],
                "neutrality": cells["neutrality"],
                "non_aggression": cells["nonaggression"],
                "consultation": cells["entente"],
            },
        )


def _citations(path: Path) -> Iterator[Row]:
    for spells in _by_alliance(path):
        identifier = spells[0].cells["version4id"]
        yield Row(
            spells[0].number,
            {
                "source": SOURCE_KEY,
                "alliance": f"cow:{identifier}",
                "stance": "supports",
                "locator": f"version4id {identifier}",
            },
        )


def _kind(spell: Spell) -> str:
    try:
        return KINDS[spell.cells["ss_type"]]
    except KeyError as error:
        raise UnreadableFile(
            _("Row %(row)d, column ss_type: “%(value)s”: accepted are: %(accepted)s")
            % {
                "row": spell.number,
                "value": spell.cells["ss_type"],
                "accepted": ", ".join(KINDS),
            }
        ) from error


def _day(spell: Spell, prefix: str) -> str:
    """Return the day in three columns as YYYY-MM-DD; blank is blank."""
    year, month, day = (spell.cells[f"{prefix}_{part}"] for part in ("year", "month", "day"))
    if not year:
        return ""
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError as error:
        raise UnreadableFile(
            _("Row %(row)d, column %(column)s: “%(value)s” is not a day.")
            % {
                "row": spell.number,
                "column": f"{prefix}_year",
                "value": f"{year}-{month}-{day}",
            }
        ) from error


def _title(spells: list[Spell], language: str, names: dict[str, str]) -> str:
    """Name an alliance that has no name in the data by its kind, its first members and its year."""
    members = list(dict.fromkeys(spell.cells["ccode"] for spell in spells))
    year = spells[0].cells["all_st_year"]
    with override(language):
        kind = AllianceKind(_kind(spells[0])).label
        shown = ", ".join(names.get(code, code) for code in members[:3])
        if len(members) > 3:
            shown = _("%(names)s and %(count)d more") % {
                "names": shown,
                "count": len(members) - 3,
            }
        return _("%(kind)s of %(year)s: %(members)s") % {
            "kind": str(kind)[:1].upper() + str(kind)[1:],
            "year": year,
            "members": shown,
        }
