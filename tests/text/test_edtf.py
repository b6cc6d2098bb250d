"""Imprecise dates: parsing, first and last day, and formatting."""

import datetime as dt
import re

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from allies.text import edtf

BEFORE = ("before", "until", "by", "not later than", "sebelum", "hingga", "sampai", "paling lambat")
SINCE = ("since", "from", "after", "sejak", "dari", "mulai", "setelah")
ABOUT = ("about", "around", "circa", "c", "c.", "ca", "ca.", "sekitar", "kira-kira")
MONTHS = [
    (number, name)
    for number, names in enumerate(
        (
            ("January", "Januari", "Jan"),
            ("February", "Februari", "Feb", "Pebruari"),
            ("March", "Maret", "Mar"),
            ("April", "Apr"),
            ("May", "Mei"),
            ("June", "Juni", "Jun"),
            ("July", "Juli", "Jul"),
            ("August", "Agustus", "Aug", "Agu", "Agt"),
            ("September", "Sept", "Sep"),
            ("October", "Oktober", "Oct", "Okt"),
            ("November", "Nopember", "Nov", "Nop"),
            ("December", "Desember", "Dec", "Des"),
        ),
        start=1,
    )
    for name in names
]


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("2024-06-19", "2024-06-19"),
        ("2024-05", "2024-05"),
        ("2023", "2023"),
        ("2024-03/2024-06", "2024-03/2024-06"),
        ("../2022-02-24", "../2022-02-24"),
        ("2022/..", "2022/.."),
        ("1990~", "1990~"),
        ("19 June 2024", "2024-06-19"),
        ("19 Juni 2024", "2024-06-19"),
        ("  June 19,  2024 ", "2024-06-19"),
        ("May 2024", "2024-05"),
        ("Mei 2024", "2024-05"),
        ("March to June 2024", "2024-03/2024-06"),
        ("between March 2024 and June 2024", "2024-03/2024-06"),
        ("before 24 February 2022", "../2022-02-24"),
        ("sebelum 24 Februari 2022", "../2022-02-24"),
        ("sejak 2022", "2022/.."),
        ("about 1990", "1990~"),
        ("198X", "198X"),
        ("2024-06-XX", "2024-06"),
        ("2024-XX-XX", "2024"),
        ("19. Juni 2024", "2024-06-19"),
        ("1 June, 2024", "2024-06-01"),
        ("31 December 2024", "2024-12-31"),
        ("June 2, 2024", "2024-06-02"),
        ("June. 2 2024", "2024-06-02"),
        ("May, 2024", "2024-05"),
        ("Maret - Juni 2024", "2024-03/2024-06"),
        ("March and June 2024", "2024-03/2024-06"),
        ("Maret dan Juni 2024", "2024-03/2024-06"),
        ("Maret sampai Juni 2024", "2024-03/2024-06"),
        ("2020 – 2022", "2020/2022"),
        ("2020 - 2022", "2020/2022"),
        ("2020–2022", "2020/2022"),
        ("2020 to 2022", "2020/2022"),
        ("2020 and 2022", "2020/2022"),
        ("2020 dan 2022", "2020/2022"),
        ("2020 sampai 2022", "2020/2022"),
        ("2020 hingga 2022", "2020/2022"),
        ("from 2020 to 2022", "2020/2022"),
        ("dari 2020 sampai 2022", "2020/2022"),
        ("antara 2020 dan 2022", "2020/2022"),
        ("May 2020 to 19 June 2022", "2020-05/2022-06-19"),
        *((f"{word} 2022", "../2022") for word in BEFORE),
        *((f"{word} 2022", "2022/..") for word in SINCE),
        *((f"{word} 2022", "2022~") for word in ABOUT),
        *((f"{name} 2024", f"2024-{number:02}") for number, name in MONTHS),
        *((f"9 {name.upper()} 2024", f"2024-{number:02}-09") for number, name in MONTHS),
    ],
)
def test_parse_date_accepts_common_notations(typed, stored):
    assert edtf.parse_date(typed) == stored


@pytest.mark.parametrize(
    "typed",
    [
        *("03/04/2020", "19/6/2024", "2024-13-01", "2024-02-30", "soon", "2024/2023", "../.."),
        *("/", "2024/", "24", "0000", "32 May 2024", "30 February 2024", "Smarch 2024"),
        *("2024-21", "y-17e7", "[1667,1668]", "2004-06?-11", "uuuu", "18XX", "٢٠٢٤"),
        *("2024-01-01/2024-01-02/2024-01-03", "mei 0000"),
    ],
)
def test_parse_date_refuses_ambiguous_and_invalid_dates(typed):
    with pytest.raises(edtf.UnreadableDate):
        edtf.parse_date(typed)


@pytest.mark.parametrize(
    ("stored", "earliest", "latest"),
    [
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2023", "2023-01-01", "2023-12-31"),
        ("198X", "1980-01-01", "1989-12-31"),
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


@pytest.mark.parametrize(
    ("stored", "english", "indonesian"),
    [
        ("2024-05", "May 2024", "Mei 2024"),
        ("2024-06-19", "19 June 2024", "19 Juni 2024"),
        ("2023", "2023", "2023"),
        ("../2022-02-24", "by 24 February 2022", "paling lambat 24 Februari 2022"),
        ("2022/..", "since 2022", "sejak 2022"),
        ("1990~", "about 1990", "sekitar 1990"),
        ("198X", "the 1980s", "tahun 1980-an"),
        ("", "", ""),
        ("1386-05-09", "9 May 1386", "9 Mei 1386"),
        ("0987", "987", "987"),
        ("2024-05?", "May 2024 (uncertain)", "Mei 2024 (tidak pasti)"),
        ("2024-05%", "May 2024 (uncertain)", "Mei 2024 (tidak pasti)"),
        (
            "2024-03/2024-06",
            "between March and June 2024",
            "antara Maret–Juni 2024",
        ),
        (
            "2023-03/2024-06",
            "between March 2023 and June 2024",
            "antara Maret 2023 dan Juni 2024",
        ),
    ],
)
def test_format_edtf_keeps_the_precision(stored, english, indonesian):
    with override("en"):
        assert edtf.format_edtf(stored) == english
    with override("id"):
        assert edtf.format_edtf(stored) == indonesian


@pytest.mark.parametrize(
    ("stored", "english", "indonesian"),
    [
        ("2012", "2012", "2012"),
        ("../2012", "by 2012", "paling lambat 2012"),
        ("2012/2014", "between 2012 and 2014", "antara 2012 dan 2014"),
        ("2012/..", "(records end 2012)", "(catatan berakhir 2012)"),
        ("2012-12-31/..", "(records end 2012)", "(catatan berakhir 2012)"),
        ("198X/..", "(records end the 1980s)", "(catatan berakhir tahun 1980-an)"),
    ],
)
def test_format_end_date_shows_an_open_end_as_end_of_records(stored, english, indonesian):
    with override("en"):
        assert edtf.format_end_date(stored) == english
    with override("id"):
        assert edtf.format_end_date(stored) == indonesian


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


@pytest.mark.parametrize("value", ["1990~", "2004-06-11?", "2004-06%", "1990~/1995", "../1990?"])
def test_is_qualified(value):
    assert edtf.is_qualified(value)
    assert not edtf.is_qualified(re.sub("[~?%]", "", value))


@given(st.text(max_size=60))
def test_parse_date_raises_only_unreadable_date(text):
    try:
        stored = edtf.parse_date(text)
    except edtf.UnreadableDate:
        return
    first, last = edtf.bounds(stored)
    assert first is None or last is None or first <= last


@given(st.dates(min_value=dt.date(1, 1, 1)))
def test_bounds_of_a_day_are_the_day(day):
    assert edtf.bounds(edtf.parse_date(day.isoformat())) == (day, day)
