"""Imprecise dates: first and last day, combination, and words in both languages."""

import datetime as dt
import re

import pytest
from django.utils.translation import override

from allies.text import edtf


@pytest.mark.parametrize(
    ("stored", "earliest", "latest"),
    [
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2023", "2023-01-01", "2023-12-31"),
        ("198X", "1980-01-01", "1989-12-31"),
        ("198X~", "1980-01-01", "1989-12-31"),
        ("20XX", "2000-01-01", "2099-12-31"),
        ("99XX", "9900-01-01", "9999-12-31"),
        ("2024-03/2024-06", "2024-03-01", "2024-06-30"),
        ("../2022-02-24", None, "2022-02-24"),
        ("2022/..", "2022-01-01", None),
        ("1386-05-09", "1386-05-09", "1386-05-09"),
        ("2023-12", "2023-12-01", "2023-12-31"),
        ("2023-02~", "2023-02-01", "2023-02-28"),
        ("2023?", "2023-01-01", "2023-12-31"),
        ("2024-03/2024-03", "2024-03-01", "2024-03-31"),
        ("198X/1991", "1980-01-01", "1991-12-31"),
        ("", None, None),
    ],
)
def test_bounds_returns_first_and_last_day(stored, earliest, latest):
    found = [day and day.isoformat() for day in edtf.bounds(stored)]
    assert found == [earliest, latest]


@pytest.mark.parametrize("value", ["000X", "00XX", "0000", "1XXX", "198x", "2024-XX", "198X-05"])
def test_bounds_refuses_what_is_not_stored(value):
    with pytest.raises(edtf.UnreadableDate):
        edtf.bounds(value)


@pytest.mark.parametrize("value", ["1990~", "2004-06-11?", "2004-06%", "1990~/1995", "../1990?"])
def test_is_qualified(value):
    assert edtf.is_qualified(value)
    assert not edtf.is_qualified(re.sub("[~?%]", "", value))


@pytest.mark.parametrize(
    ("point", "before", "after"),
    [
        ("2022", "2021", "2023"),
        ("2024-01", "2023-12", "2024-02"),
        ("2024-02-29", "2024-02-28", "2024-03-01"),
        ("199X", "1989", "2000"),
        ("19XX", "1899", "2000"),
        ("1990~", "1989", "1991"),
    ],
)
def test_adjacent_date_has_the_same_precision(point, before, after):
    assert edtf.adjacent_date(point, -1) == before
    assert edtf.adjacent_date(point, 1) == after


@pytest.mark.parametrize(("point", "step"), [("0001", -1), ("9999-12", 1), ("", 1), ("2022/..", 1)])
def test_there_is_no_adjacent_date(point, step):
    with pytest.raises(edtf.UnreadableDate):
        edtf.adjacent_date(point, step)


@pytest.mark.parametrize(
    ("stored", "english", "indonesian"),
    [
        ("2024-05", "May 2024", "Mei 2024"),
        ("2024-06-19", "19 June 2024", "19 Juni 2024"),
        ("2023", "2023", "2023"),
        ("../2022-02-24", "by 24 February 2022", "paling lambat 24 Februari 2022"),
        ("../2021", "before 2022", "sebelum 2022"),
        ("../2024-04", "before May 2024", "sebelum Mei 2024"),
        ("../2023-12", "before January 2024", "sebelum Januari 2024"),
        ("../198X", "before 1990", "sebelum 1990"),
        ("../1990~", "by about 1990", "paling lambat sekitar 1990"),
        ("../9999", "by 9999", "paling lambat 9999"),
        ("2022/..", "since 2022", "sejak 2022"),
        ("198X/..", "since the 1980s", "sejak tahun 1980-an"),
        ("1990~", "about 1990", "sekitar 1990"),
        ("198X", "the 1980s", "tahun 1980-an"),
        ("198X~", "about the 1980s", "sekitar tahun 1980-an"),
        ("200X", "some time in 2000–2009", "suatu waktu pada 2000–2009"),
        ("20XX", "some time in 2000–2099", "suatu waktu pada 2000–2099"),
        ("", "", ""),
        ("1386-05-09", "9 May 1386", "9 Mei 1386"),
        ("0987", "0987", "0987"),
        ("2024-05?", "May 2024 (uncertain)", "Mei 2024 (tidak pasti)"),
        ("2024-05%", "about May 2024 (uncertain)", "sekitar Mei 2024 (tidak pasti)"),
        ("2024-03/2024-06", "between March and June 2024", "antara Maret–Juni 2024"),
        ("2024-05-03/2024-05-05", "between 3 and 5 May 2024", "antara 3–5 Mei 2024"),
        (
            "2024-04-28/2024-05-02",
            "between 28 April and 2 May 2024",
            "antara 28 April–2 Mei 2024",
        ),
        (
            "2023-03/2024-06",
            "between March 2023 and June 2024",
            "antara Maret 2023 dan Juni 2024",
        ),
        ("198X/1991", "between 1980 and 1991", "antara 1980 dan 1991"),
        ("1990~/1995?", "between about 1990 and 1995 (uncertain)", None),
        ("2024/2024", "2024", "2024"),
    ],
)
def test_format_edtf_keeps_the_precision(stored, english, indonesian):
    with override("en"):
        assert edtf.format_edtf(stored) == english
    with override("id"):
        assert indonesian is None or edtf.format_edtf(stored) == indonesian


@pytest.mark.parametrize(
    ("stored", "start", "since"),
    [
        ("2022", "2022", "since 2022"),
        ("2022/..", "2022 or later", "2022 or later"),
        ("2022-02-25/..", "25 February 2022 or later", "25 February 2022 or later"),
        ("../2021", "before 2022", "before 2022"),
        ("1990~", "about 1990", "since about 1990"),
        ("2012/2014", "between 2012 and 2014", "between 2012 and 2014"),
        ("", "", None),
    ],
)
def test_start_does_not_say_that_it_was_at_its_first_possible_date(stored, start, since):
    with override("en"):
        assert edtf.format_start_date(stored) == start
        assert since is None or edtf.format_since(stored) == since


def test_open_start_in_indonesian():
    with override("id"):
        assert edtf.format_start_date("2022/..") == "2022 atau sesudahnya"
        assert edtf.format_since("2022") == "sejak 2022"


@pytest.mark.parametrize(
    ("stored", "english", "indonesian"),
    [
        ("2012", "2012", "2012"),
        ("../2012", "before 2013", "sebelum 2013"),
        ("2012/2014", "between 2012 and 2014", "antara 2012 dan 2014"),
        ("2012/..", "(records end 2012)", "(catatan berakhir 2012)"),
        ("2012-12-31/..", "(records end 2012)", "(catatan berakhir 2012)"),
        ("2012-12-31~/..", "(records end about 2012)", "(catatan berakhir sekitar 2012)"),
        ("198X/..", "(records end the 1980s)", "(catatan berakhir tahun 1980-an)"),
    ],
)
def test_format_end_date_shows_an_open_end_as_end_of_records(stored, english, indonesian):
    with override("en"):
        assert edtf.format_end_date(stored) == english
    with override("id"):
        assert edtf.format_end_date(stored) == indonesian


@pytest.mark.parametrize(
    ("start", "end", "english", "indonesian"),
    [
        ("1990", "2001", "1990 – 2001", "1990 – 2001"),
        ("1990", "", "1990", "1990"),
        ("", "2001", "2001", "2001"),
        ("1980", "2012/..", "1980 – (records end 2012)", "1980 – (catatan berakhir 2012)"),
        ("../1999", "2001", "before 2000, ended 2001", "sebelum 2000, berakhir 2001"),
        ("../1999", "2012/..", "before 2000 – (records end 2012)", None),
        ("1990", "../1999", "1990, ended before 2000", "1990, berakhir sebelum 2000"),
    ],
)
def test_period_has_one_reading(start, end, english, indonesian):
    with override("en"):
        assert edtf.format_period(start, end) == english
    with override("id"):
        assert indonesian is None or edtf.format_period(start, end) == indonesian


@pytest.mark.parametrize(
    ("dates", "first", "last"),
    [
        (["2001", "2003"], "2001", "2003"),
        (["2001", "2001-06"], "2001-01-01/2001-06-30", "2001-06-01/2001-12-31"),
        (["2001-05-07", "2001-05"], "2001-05-01/2001-05-07", "2001-05-07/2001-05-31"),
        (["../2001", "1990"], "../1990-12-31", "1990-01-01/2001-12-31"),
        (["2001/..", "2003"], "2001-01-01/2003-12-31", ""),
        (["2001-05-07", "2001-05-07~"], "2001-05-07~", "2001-05-07~"),
        (["1950~", "2004"], "1950~", "2004"),
        (["2001~", "2001-06"], "2001-01-01~/2001-06-30~", "2001-06-01~/2001-12-31~"),
        (["2001/2005", "2001~"], "2001~", "2001~/2005~"),
        (["2012/..", "2020~/.."], "2012~/..", "2020~/.."),
        (["2012?", "../2012~"], "../2012%", "2012%"),
        (["", "2003"], "../2003-12-31", ""),
        (["", ""], "", ""),
    ],
)
def test_combine_dates_keeps_the_precision(dates, first, last):
    assert edtf.combine_dates(min, dates) == first
    assert edtf.combine_dates(max, dates) == last


def test_bounds_of_a_day_are_the_day():
    day = dt.date(2024, 2, 29)
    assert edtf.bounds(day.isoformat()) == (day, day)
