"""Rows of a country on a day on which it did not exist, and the periods in which states existed."""

import pytest
from django.core.exceptions import ValidationError

from allies.imports.mapping import FileMapping, InvalidMapping
from allies.imports.runner import ImportRejected, run_import
from allies.imports.tables import open_table
from allies.models import Country, Participation, Spell
from tests import factories
from tests.imports.files import command, write

pytestmark = pytest.mark.usefixtures("demo_data")


def run(rule, rows, path):
    noun = {
        "noun": "participations",
        "fields": {
            "event": {"column": "event"},
            "country": {"column": "country"},
            "role": {"constant": "for"},
        },
        "existence": rule,
    }
    mapping, table = FileMapping({"nouns": [noun]}), open_table(write(path / "v.csv", rows))
    (report,) = run_import(lambda plan: mapping.provided_records(table, plan), commit=True)
    return report


def vote(date, code="NOR"):
    event = factories.event(kind="un-vote", date=date)
    return {"event": event.slug, "country": code}


def countries(row):
    found = Participation.objects.filter(event__slug=row["event"])
    return [part.country.code for part in found.select_related("country")]


MOVE = {"country": "TWN", "to": "CHN", "until": "1949"}


@pytest.mark.parametrize(
    ("date", "code"),
    [("1946-01", "CHN"), ("1949-12", "CHN"), ("1949/1950", "TWN"), ("1950-01", "TWN")],
)
def test_row_is_moved_if_it_is_certainly_within_the_days(date, code, tmp_path):
    row = vote(date, "TWN")
    report = run({"moves": [MOVE]}, [row], tmp_path)
    assert countries(row) == [code]
    assert report.moved == (code == "CHN")


def test_report_counts_moved_rows(tmp_path):
    report = run({"moves": [MOVE]}, [vote("1946", "TWN"), vote("1947", "TWN")], tmp_path)
    assert report.remark_lines() == ["Taiwan → China: 2 rows"]


@pytest.mark.postgresql
def test_record_that_an_earlier_import_left_in_place_is_moved(tmp_path):
    row = vote("1946", "TWN")
    run({}, [row], tmp_path)
    (part,) = Participation.objects.filter(event__slug=row["event"])
    report = run({"moves": [MOVE]}, [row], tmp_path)
    assert (report.created, report.updated) == (0, 1)
    part.refresh_from_db()
    assert part.country.alpha3 == "CHN"
    assert run({"moves": [MOVE]}, [row], tmp_path).unchanged == 1


class TestStateThatDidNotExist:
    @pytest.fixture(autouse=True)
    def spells(self, demo_data):
        norway = factories.country("NOR")
        for began, ended in (("1905-06-07", "1940-04-30"), ("1945-05-07", "")):
            Spell.objects.create(country=norway, began=began, ended=ended)

    @pytest.mark.parametrize("date", ["1905-06", "1920-01-01", "1940", "1945-05-07", "2020"])
    def test_row_on_a_possible_day_is_imported(self, date, tmp_path):
        row = vote(date)
        run({}, [row], tmp_path)
        assert countries(row) == ["NOR"]

    @pytest.mark.parametrize("date", ["1905-05", "1940-05-01", "1941/1944"])
    def test_row_on_another_day_is_refused(self, date, tmp_path):
        with pytest.raises(ImportRejected) as refused:
            run({}, [vote(date)], tmp_path)
        (error,) = refused.value.reports[0].errors
        assert error.column == "country"
        assert error.message == f"Norway did not exist on this day ({date})"

    def test_row_can_be_left_out_or_reported(self, tmp_path):
        row = vote("1942")
        report = run({"otherwise": "leave-out"}, [row], tmp_path)
        assert (countries(row), report.left_out) == ([], 1)
        report = run({"otherwise": "report"}, [row], tmp_path)
        assert countries(row) == ["NOR"]
        assert report.remarks == ["Row 2: Norway did not exist on this day (1942)"]

    def test_rows_of_some_countries_are_allowed(self, tmp_path):
        row = vote("1942")
        report = run({"allowed": ["NOR"]}, [row], tmp_path)
        assert (countries(row), report.remarks) == (["NOR"], [])


def test_dates_of_the_country_count_if_no_period_is_known(tmp_path):
    with pytest.raises(ImportRejected):
        run({}, [vote("1991", "260")], tmp_path)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"otherwise": "ignore"}, "wrong type"),
        ({"moves": [{"country": "TWN"}]}, "needs “country” and “to”"),
        ({"moves": [{**MOVE, "until": "soon"}]}, "is no date"),
    ],
)
def test_invalid_rule_is_refused(rule, said, tmp_path):
    with pytest.raises(InvalidMapping, match=said):
        run(rule, [vote("1946")], tmp_path)


class TestSpells:
    def test_periods_have_to_agree_with_their_country(self):
        west = Country.objects.get(cow_code=260)
        Spell(country=west, began="1955-05-05", ended="1990-10-02").full_clean()
        for began, ended in (("1950", "1990-10-02"), ("1955-05-05", ""), ("1990", "1989")):
            with pytest.raises(ValidationError):
                Spell(country=west, began=began, ended=ended).clean()

    def test_states_file_is_imported_and_shown(self, tmp_path, client):
        columns = "stateabb,ccode,statenme,styear,stmonth,stday,endyear,endmonth,endday,version"
        cells = [
            "BEL,211,Belgium,1830,12,20,1940,5,28,2016",
            "BEL,211,Belgium,1945,6,26,2016,12,31,2016",
            "FRN,220,France,1816,1,1,1942,11,11,2016",
        ]
        file = tmp_path / "states.csv"
        file.write_text("\n".join([columns, *cells]) + "\n")
        command("import_file", "cow-states", str(file), "--commit")
        again = command("import_file", "cow-states", str(file), "--commit")
        assert "spells: 3 rows: 0 new, 0 changed, 3 unchanged" in again
        belgium = factories.country("BEL").spells.values_list("began", "ended")
        assert list(belgium) == [("1830-12-20", "1940-05-28"), ("1945-06-26", "")]
        assert factories.country("FRA").spells.get().began == "../1816-01-01"
        page = client.get("/en/countries/belgium/").content.decode()
        assert "20 December 1830 – 28 May 1940; 26 June 1945 –" in page
        assert (
            "did not exist" in client.get("/en/countries/belgium/?on=1942-01-01").content.decode()
        )
        found = client.get("/api/v1/countries/belgium").json()
        assert found["spells"][0] == {"began": "1830-12-20", "ended": "1940-05-28"}

    @pytest.mark.slow
    def test_whole_file_goes_in(self, shared):
        file = shared / "data/cow/states2016.csv"
        command("import_file", "cow-states", str(file), "--commit")
        assert (Spell.objects.count(), Spell.objects.filter(ended="").count()) == (243, 195)
        restored = [c for c in Country.objects.all() if c.spells.count() > 1]
        assert len(restored) == 26
