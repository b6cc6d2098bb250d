"""Random changesets, imported one after another, can all be undone."""

import io
import random
import zipfile

import pytest

from allies.exports.site_package import export_site_package
from allies.imports.resources import RESOURCES
from allies.imports.rows import Row, Rows
from allies.imports.runner import ImportRejected, run_import
from allies.models import Changeset
from tests.imports.test_undo import take_back

pytestmark = pytest.mark.usefixtures("demo_data")

CODES = ["RUS", "CHN", "IND", "PRK", "THA", "VNM"]
DATES = ["2020", "2021-05", "../1999", "2001-02-03", ""]


def everything():
    """Return the files of the whole site's package, by name."""
    with zipfile.ZipFile(io.BytesIO(b"".join(export_site_package()))) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def some_rows(noun, luck):
    """Return a row of random values, for an existing record or a new one."""
    number = luck.randint(1, 6)
    word = f"{luck.choice('abcdef')} {number}"
    return {
        "countries": {"alpha3": luck.choice(CODES), "name_ind": f"Negeri {word}"},
        "aliases": {
            "country": luck.choice(CODES),
            "name": word,
            "language": luck.choice(["", "sr"]),
        },
        "sources": {
            "key": f"s-{number}",
            "publisher": "P",
            "title": word,
            "derived_from": luck.choice(
                ["", "dw-2024-en", f"s-{number - 1}" if number > 1 else ""]
            ),
            "status": "published",
        },
        "alliances": {
            "identifier": f"x:{number}",
            "kind": luck.choice(["entente", "defence-pact"]),
            "title_en": word,
            "slug": f"{word.replace(' ', '-')}-pact",
            "in_force": luck.choice(DATES),
        },
        "memberships": {
            "alliance": f"x:{number}",
            "country": luck.choice(CODES),
            "joined": luck.choice(DATES),
            "defence": luck.choice(["yes", "no", ""]),
        },
        "events": {
            "identifier": f"y:{number}",
            "kind": luck.choice(["visit", "summit"]),
            "title_en": word,
            "date": luck.choice(DATES[:4]),
            "alliance": luck.choice(["", f"x:{number}"]),
        },
        "participations": {"event": f"y:{number}", "country": luck.choice(CODES), "role": "host"},
        "ally-lists": {"slug": f"l-{number}", "title_en": word, "focus": luck.choice(CODES)},
        "entries": {
            "ally_list": f"l-{number}",
            "country": luck.choice(CODES),
            "position": str(luck.randint(1, 3)),
        },
        "citations": {"source": "dw-2024-en", "event": f"y:{number}", "locator": str(number)},
        "key-events": {
            "entry": f"l-{number}/{luck.choice(CODES)}",
            "event": f"y:{number}",
            "position": str(luck.randint(1, 3)),
        },
        "see-also": {"ally_list": f"l-{number}", "source": "dw-2024-en", "position": str(number)},
    }[noun]


def as_file(noun, rows):
    columns = list(rows[0])
    cells = [Row(n, [row[name] for name in columns]) for n, row in enumerate(rows, start=2)]
    return noun, Rows(columns, lambda: iter(cells))


def random_file(luck, share):
    """Return rows of several record types, in the form that ``run_import`` takes."""
    return [
        as_file(noun, [some_rows(noun, luck) for _row in range(luck.randint(1, 3))])
        for noun in RESOURCES
        if luck.random() < share
    ]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_changesets_undone_in_reverse_order_leave_no_trace(seed):
    luck = random.Random(seed)
    applied, states = [], [everything()]
    for _time in range(300):
        changeset = Changeset(reason=f"random {seed}")
        try:
            run_import(random_file(luck, share=0.3), commit=True, about=changeset)
        except ImportRejected:
            continue
        applied.append(changeset)
        states.append(everything())
        if len(applied) == 8:
            break
    assert len(applied) > 3
    for place in reversed(range(len(applied))):
        before, after = states[place], states[place + 1]
        report, undo = take_back(applied[place])
        assert report.skipped == []
        assert everything() == before
        if luck.random() < 0.4:  # redo it, and undo it again
            _report, redo = take_back(undo)
            assert everything() == after
            take_back(redo)
            assert everything() == before
