"""UN roll calls: dates no more exact than the file, titles, corrections of earlier imports."""

import csv
import json
import re
from collections import Counter

import pytest

from allies.imports.mapping import FileMapping
from allies.imports.mappings import built_in_mappings
from allies.imports.plan import Outcome, Plan
from allies.imports.plan_builder import make_plan
from allies.imports.tables import open_table
from allies.models import Changeset, Citation, Event, Source
from tests.imports.files import command, write

pytestmark = pytest.mark.usefixtures("demo_data")


def row(rcid, date, **given):
    return {
        "rcid": rcid,
        "session": int(date[:4]) - 1945,
        "importantvote": 0,
        "date": date,
        "unres": "",
        "amend": "",
        "para": "",
        "short": "",
        "descr": "",
        **given,
    }


def import_rows(tmp_path, *rows):
    """Import roll calls; return {rcid: event}."""
    command("import_file", "un-roll-calls", str(write(tmp_path / "r.csv", rows)), "--commit")
    return {cells["rcid"]: event_of(cells["rcid"]) for cells in rows}


def event_of(rcid):
    return Event.objects.get(identifier=f"unvotes:{rcid}")


@pytest.mark.parametrize(
    ("in_file", "date"),
    [
        ("1946-01-01", "1946-01"),
        ("1971-10-07", "1971-10"),
        ("1996-12-07", "1996-12"),
        ("1997-01-07", "1997-01"),
        ("1997-12-08", "1997-12-08"),
        ("1999-11-17", "1999-11-17"),
        ("2002-12-01", "2002-12"),
        ("2002-12-20", "2002-12-20"),
        ("2003-12-03", "2003-12-03"),
        ("2020-01-14", "2020-01-14"),
    ],
)
def test_day_that_is_not_the_day_of_the_vote_is_left_out(in_file, date, tmp_path):
    assert import_rows(tmp_path, row(90001, in_file))[90001].date == date


SPEECH = "The President: I shall now put to the vote operative paragraph 5. It is so decided."
ADOPTED = " : resolution / adopted by the General Assembly"
LONG = "Safety of the reading rooms, the map rooms and the archives of small islands in winter"


@pytest.mark.parametrize(
    ("cells", "title"),
    [
        ({"short": "SOUTHERN AFRICA, NATO"}, "Southern Africa, NATO"),
        ({"short": "UNITED STATES LIBRARIES"}, "United States libraries"),
        ({"short": "U.N. LIBRARY, U.S. AND U.S.S.R."}, "U.N. library, U.S. and U.S.S.R."),
        ({"short": "US-USSR LIBRARIES, CHAPTER VII"}, "US-USSR libraries, chapter VII"),
        ({"short": "LIBRARIES IN THE CHAD BASIN"}, "Libraries in the Chad basin"),
        ({"short": "UNUSED LIBRARIES"}, "Unused libraries"),
        ({"short": "Libraries of UNESCO"}, "Libraries of UNESCO"),
        # The description gives the title of the resolution in full.
        ({"short": f"{LONG[:60]}", "descr": f"{LONG}{ADOPTED}"}, LONG),
        ({"short": "LIBRARIES--WINTER", "descr": f"Winter libraries{ADOPTED}"}, "Winter libraries"),
        ({"short": f"{LONG}{ADOPTED}", "descr": "A/73/251 12 - Libraries."}, LONG),
        # A text that was cut off, a speech or a damaged text is no title.
        ({"short": LONG[:60], "descr": LONG, "unres": "R/59/81"}, "Resolution 59/81"),
        ({"short": "LIBRARIES, D?ÃƒTENTE", "unres": "R/59/82B"}, "Resolution 59/82B"),
        ({"descr": SPEECH, "unres": "R/59/83", "para": "1"}, "Resolution 59/83, paragraph"),
        ({"descr": SPEECH, "unres": "R/59/83", "amend": "1"}, "Resolution 59/83, amendment"),
        ({"descr": SPEECH, "unres": "A/RES/59/84"}, "Resolution 59/84"),
        ({"descr": SPEECH, "unres": "R/59/85/II"}, "Resolution 59/85"),
        ({"descr": SPEECH}, "Roll call 90001"),
        ({}, "Roll call 90001"),
    ],
)
def test_title_is_a_sentence_or_the_number_of_the_resolution(cells, title, tmp_path):
    assert import_rows(tmp_path, row(90001, "2004-12-10", **cells))[90001].title_en == title


def test_resolution_of_an_early_session_has_a_roman_number(tmp_path):
    rows = [
        row(90001, "1971-10-07", unres="R/26/2758A"),
        row(90002, "1975-11-01", unres="R/30/3379", para="1"),
        row(90003, "1976-11-01", unres="R/31/6"),
    ]
    titles = [event.title_en for event in import_rows(tmp_path, *rows).values()]
    assert titles == [
        "Resolution 2758 (XXVI)",
        "Resolution 3379 (XXX), paragraph",
        "Resolution 31/6",
    ]


@pytest.mark.parametrize(
    ("date", "unres", "resolution", "title"),
    [
        # In the first 17 sessions, these are pages of the record.
        ("1946-01-01", "R/1/66", "", "Roll call 90001"),
        ("1962-12-01", "R/17/1208A", "", "Roll call 90001"),
        ("1971-10-07", "R/26/2758A", "A/RES/2758(XXVI)", "Resolution 2758 (XXVI)"),
        ("1979-12-03", "R/34/93A", "A/RES/34/93A", "Resolution 34/93A"),
        ("1995-12-04", "R/50/38B/IV", "A/RES/50/38B", "Resolution 50/38B"),
        ("2012-12-03", "R/677/46", "A/RES/67/46", "Resolution 67/46"),
        ("2017-12-21", "A/RES/ES-10/19", "A/RES/ES-10/19", "Resolution 72/19"),
        ("1956-11-02", "ESS/1/34", "", "Roll call 90001"),
        ("1965-11-07", "", "", "Roll call 90001"),
    ],
)
def test_symbol_of_the_resolution(date, unres, resolution, title, tmp_path):
    event = import_rows(tmp_path, row(90001, date, unres=unres))[90001]
    assert event.resolution == resolution
    if "ES-" not in unres:
        assert event.title_en == title


def test_facts_of_a_roll_call_and_its_issues(tmp_path, shared):
    rolls = [
        row(90001, "1971-10-07", amend=1, para=1, importantvote=1),
        row(90002, "1971-10-07", para=1),
        row(90003, "1971-10-07", importantvote=""),
    ]
    issues = [{"rcid": 90001, "short_name": name} for name in ("me", "hr")]
    files = write(tmp_path / "r.csv", rolls), write(tmp_path / "i.csv", issues)
    command("import_file", "un-roll-calls", str(files[0]), "--commit")
    command(
        "import_file", "un-roll-calls", str(files[0]), "--with", f"issues={files[1]}", "--commit"
    )
    found = [event_of(n) for n in (90001, 90002, 90003)]
    assert [event.scope for event in found] == ["amendment", "paragraph", ""]
    assert [event.is_important for event in found] == [True, False, None]
    assert [(event.session, event.issues) for event in found] == [(26, "me hr"), (26, ""), (26, "")]
    again = command("import_file", "un-roll-call-issues", str(files[1]), "--commit")
    assert "events: 2 rows: 0 new, 0 changed, 1 unchanged, 1 duplicates" in again


def test_votes_came_through_a_package(tmp_path):
    import_rows(tmp_path, row(90001, "2004-12-10"))
    package = Source.objects.get(key="un-votes-voeten")
    assert package.derived_from.doi == "10.7910/DVN/LEJUQZ"
    assert (package.licence, package.covers_to, package.origin) == (
        "MIT",
        "2020-01",
        package.derived_from,
    )


def test_title_longer_than_the_field_is_not_cut_off(tmp_path):
    short = f"{'Archives of small islands and of ' * 10}others{ADOPTED}"
    event = import_rows(tmp_path, row(90001, "2016-12-10", short=short, unres="A/RES/71/9"))[90001]
    assert event.title_en == "Resolution 71/9"


class TestEarlierImport:
    """A site that imported the same file with the first version of the mapping."""

    ROWS = (
        row(90001, "1976-11-03", short="SOUTHERN AFRICA, NATO", descr="TO ADOPT IT."),
        row(90002, "1971-10-07", short="CHINA REPRESENTATION", descr="TO ADOPT IT."),
        row(90003, "2004-12-10", descr=f"{SPEECH} {'So it is. ' * 30}", unres="R/59/83"),
        row(90004, "2012-12-10", short="Libraries", descr="Libraries"),
    )

    @pytest.fixture
    def file(self, tmp_path):
        file = write(tmp_path / "rolls.csv", self.ROWS)
        data = built_in_mappings()["un-roll-calls"]
        events, citations = data["nouns"]
        fields = {
            **events["fields"],
            "date": {"column": "date"},
            "title_en": {"column": "short", "cut": 200, "else": {"column": "descr", "cut": 200}},
        }
        first = {**data, "nouns": [{"noun": "events", "fields": fields}, citations]}
        own = tmp_path / "first.json"
        own.write_text(json.dumps(first))
        command("import_file", str(own), str(file), "--commit")
        assert event_of(90001).title_en == "SOUTHERN AFRICA, NATO"
        assert event_of(90003).title_en.startswith("The President: I shall now put to the vote")
        return file

    @pytest.mark.postgresql
    def test_same_file_again_corrects_it_and_can_be_undone(self, file):
        before = {event.pk: (event.title_en, event.date) for event in Event.objects.all()}
        citations = Citation.objects.count()
        preview = command("import_file", "un-roll-calls", str(file))
        assert "events: 4 rows: 0 new, 3 changed, 1 unchanged" in preview
        assert event_of(90002).date == "1971-10-07"

        command("import_file", "un-roll-calls", str(file), "--commit")
        corrected = Changeset.objects.latest("pk")
        found = [(event_of(n).title_en, event_of(n).date) for n in range(90001, 90005)]
        assert found == [
            ("Southern Africa, NATO", "1976-11"),
            ("China representation", "1971-10"),
            ("Resolution 59/83", "2004-12-10"),
            ("Libraries", "2012-12-10"),
        ]
        assert (len(before), citations) == (Event.objects.count(), Citation.objects.count())
        again = command("import_file", "un-roll-calls", str(file), "--commit")
        assert "events: 4 rows: 0 new, 0 changed, 4 unchanged" in again

        command("undo_changeset", str(corrected.pk), "--commit")
        assert before == {event.pk: (event.title_en, event.date) for event in Event.objects.all()}

    @pytest.mark.postgresql
    def test_preview_shows_old_and_new_values(self, file, tmp_path):
        mapping, table = FileMapping(built_in_mappings()["un-roll-calls"]), open_table(file)
        with Plan(tmp_path / "plan", keep_rows=True) as plan:
            files = mapping.provided_records(table, plan)
            make_plan(plan, files)
            changed = {row.row: row.detail for row in plan.outcomes(Outcome.CHANGED)}
        assert changed[2] == {
            "title_en": ["SOUTHERN AFRICA, NATO", "Southern Africa, NATO"],
            "date": ["1976-11-03", "1976-11"],
        }
        assert changed.keys() == {2, 3, 4}

    @pytest.mark.postgresql
    def test_what_an_editor_knows_is_kept(self, file):
        Event.objects.filter(identifier="unvotes:90002").update(
            title_en="The seat of China", date="1971-10-25"
        )
        Event.objects.filter(identifier="unvotes:90001").update(title_en="On NATO and Africa")
        command("import_file", "un-roll-calls", str(file), "--commit")
        kept, half = event_of(90002), event_of(90001)
        assert (kept.title_en, kept.date) == ("The seat of China", "1971-10-25")
        assert (half.title_en, half.date) == ("On NATO and Africa", "1976-11")


class TestPublishedFile:
    @pytest.fixture
    def events(self, shared):
        """Import the published roll calls; return {rcid: (cells, event)}."""
        file = shared / "data/un-votes/un_roll_calls.csv"
        command("import_file", "un-roll-calls", str(file), "--commit")
        found = {
            event.identifier: event
            for event in Event.objects.filter(identifier__startswith="unvotes:")
        }
        with file.open(encoding="utf-8") as opened:
            return [(cells, found[f"unvotes:{cells['rcid']}"]) for cells in csv.DictReader(opened)]

    def test_no_day_where_only_the_month_is_known(self, events, shared):
        assert len(events) == 6203
        months = Counter(event.date[:4] for _cells, event in events if len(event.date) == 7)
        with (shared / "known-answers/un_roll_call_days_by_year.csv").open() as file:
            for year in csv.DictReader(file):
                wrong = int(year["days_1_to_7"]) if year["year"] <= "2002" else 0
                assert months[year["year"]] == wrong, year
        by_resolution = {cells["unres"]: event.date for cells, event in events}
        assert (by_resolution["R/26/2758A"], by_resolution["R/30/3379"]) == ("1971-10", "1975-11")

    def test_no_title_is_in_capitals_a_speech_or_cut_off(self, events):
        titles = [event.title_en for _cells, event in events]
        assert "Southern Africa, NATO" in titles
        capitals = {title for title in titles if title.isupper()}
        assert capitals == {"UNRWA", "UNHCR", "UNCTAD", "IAEA", "PLO", "UNESCO"}
        assert not [title for title in titles if re.search("President|I shall|…|\t|Ã", title)]
        assert not [title for title in titles if re.search(r"resolution ?/|: resol", title)]
        numbers = Counter(title.split()[0] for title in titles)
        assert (numbers["Resolution"], numbers["Roll"]) == (421, 10)
        for cells, event in events:
            # 60 characters is where the file cuts off.
            if len(event.title_en) in (59, 60) and cells["date"] < "2007":
                assert not cells["descr"].startswith(f"{event.title_en}") or re.match(
                    " *: ?resolution", cells["descr"][len(event.title_en) :]
                )
