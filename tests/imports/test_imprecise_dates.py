"""Imprecise dates in files: read in words, and exact on the readers' pages."""

import csv
import datetime as dt
import io

import pytest

from allies.imports.mapping_steps import not_later_than, parse_ordered_date, reduce_precision
from allies.imports.rows import CellProblem
from allies.models import Alliance, Citation, Event
from tests import factories
from tests.imports.files import load, write
from tests.views.page_urls import body

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("demo_data")]


@pytest.fixture
def three_pacts(tmp_path):
    pacts = {
        "t-before": {"in_force": "before 2022"},
        "t-after": {"in_force": "after 2022"},
        "t-until": {"in_force": "1990", "ended": "before 2000"},
    }
    status = {"kind": "defence-pact", "status": "published"}
    rows = [{"slug": slug, "title_en": slug, **status, **dates} for slug, dates in pacts.items()]
    load("alliances", write(tmp_path / "a.csv", rows))
    members = {"t-before": "ITA", "t-after": "PRT", "t-until": "GRC"}
    rows = [{"alliance": a, "country": c} for a, ally in members.items() for c in ("RUS", ally)]
    load("memberships", write(tmp_path / "m.csv", rows))
    source = {"source": factories.source().key, "stance": "supports"}
    load("citations", write(tmp_path / "c.csv", [{"alliance": slug, **source} for slug in pacts]))


@pytest.mark.parametrize(
    ("day", "standings"),
    [
        ("2022-06-01", {"ITA": "confirmed"}),
        ("2021-12-31", {"ITA": "confirmed"}),
        ("2022-12-31", {"ITA": "confirmed"}),
        ("2023-01-01", {"ITA": "confirmed", "PRT": "possible"}),
        ("2000-06-01", {}),
        ("2000-01-01", {}),
        ("1999-12-31", {"GRC": "possible"}),
    ],
)
def test_before_and_after_are_exact(day, standings, three_pacts, client):
    text = b"".join(client.get(f"/en/countries/russia/allies.csv?on={day}")).decode()
    found = {row["country"]: row["standing"] for row in csv.DictReader(io.StringIO(text))}
    assert {code: found[code] for code in ("GRC", "ITA", "PRT") if code in found} == standings


def test_pages_show_what_was_typed(three_pacts, client):
    assert "before 2022" in body(client.get("/en/alliances/t-before/"))
    assert "2023 or later" in body(client.get("/en/alliances/t-after/"))
    assert "before 2000" in body(client.get("/en/alliances/t-until/"))
    assert "sebelum 2022" in body(client.get("/id/alliances/t-before/"))
    assert "2023 atau sesudahnya" in body(client.get("/id/alliances/t-after/"))


def test_same_file_changes_nothing(tmp_path):
    row = {"slug": "a-talk", "kind": "visit", "title_en": "A talk", "date": "3–5 May 2024"}
    file = write(tmp_path / "e.csv", [row])
    load("events", file)
    assert Event.objects.get(slug="a-talk").date == "2024-05-03/2024-05-05"
    report = load("events", file)
    assert (report.created, report.updated) == (0, 0)


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("2024-06-19", dt.date(2024, 6, 19)),
        ("19 Juni 2024", dt.date(2024, 6, 19)),
        ("31/12/2024", dt.date(2024, 12, 31)),
        ("", None),
        ("June 2024", "enter a date like 2024-06-19"),
        ("2024-06-19?", "enter a date like 2024-06-19"),
        ("03/04/2024", "enter a date like 2024-06-19"),
        ("2024-02-30", "enter a date like 2024-06-19"),
    ],
)
def test_calendar_day(cell, day, tmp_path):
    alliance = Alliance.objects.order_by("pk").first()
    source = {"source": factories.source().key, "stance": "supports"}
    file = write(tmp_path / "c.csv", [{"alliance": alliance.slug, **source, "verified_on": cell}])
    report = load("citations", file, commit=False)
    assert [error.message for error in report.errors] == ([day] if isinstance(day, str) else [])
    if not report.errors:
        load("citations", file)
        assert Citation.objects.get(source__key=source["source"]).verified_on == day


@pytest.mark.parametrize(
    ("date", "month", "year"),
    [
        ("1971-10-07", "1971-10", "1971"),
        ("7 October 1971", "1971-10", "1971"),
        ("31/10/1971", "1971-10", "1971"),
        ("1971-10-07?", "1971-10?", "1971?"),
        ("3–5 May 2024", "2024-05", "2024"),
        ("28 April – 2 May 2024", "2024-04/2024-05", "2024"),
        ("before 1 March 2024", "../2024-02", "../2024"),
        ("1971", "1971", "1971"),
        ("soon", "soon", "soon"),
        ("", "", ""),
    ],
)
def test_precision_of_dates_in_words_is_reduced(date, month, year):
    assert reduce_precision(date, "month") == month
    assert reduce_precision(date, "year") == year
    assert reduce_precision(date, None) == date


@pytest.mark.parametrize(
    ("date", "latest"),
    [
        ("1955", "../1955"),
        ("14 May 1955", "../1955-05-14"),
        ("31/12/1955", "../1955-12-31"),
        ("1955/1956", "1955/1956"),
        ("soon", "soon"),
    ],
)
def test_latest_possible_date_in_words(date, latest):
    assert not_later_than(date) == latest


def test_order_of_numbers_applies_to_all_dashes_and_spaces():
    for separator in ("/", ".", "-", " ", "–", "\N{NON-BREAKING HYPHEN}", "\N{NO-BREAK SPACE}"):
        text = separator.join(["03", "04", "2020"])
        assert parse_ordered_date(text, "dmy") == "2020-04-03"
        assert parse_ordered_date(text, "mdy") == "2020-03-04"
    assert isinstance(parse_ordered_date("31/12/2024", "mdy"), CellProblem)
