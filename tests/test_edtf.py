"""Dates as precise as what is known."""

import datetime as dt

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from allies import edtf


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
    ],
)
def test_read_understands_what_people_write(typed, stored):
    assert edtf.read(typed) == stored


@pytest.mark.parametrize(
    "typed",
    [
        *("03/04/2020", "19/6/2024", "2024-13-01", "2024-02-30", "soon", "2024/2023", "../.."),
        *("/", "2024/", "24", "0000", "32 May 2024", "30 February 2024", "Smarch 2024"),
        *("2024-21", "y-17e7", "[1667,1668]", "2004-06?-11", "uuuu", "18XX", "٢٠٢٤"),
        *("2024-01-01/2024-01-02/2024-01-03", "mei 0000"),
    ],
)
def test_read_refuses_what_can_be_read_in_two_ways_or_none(typed):
    with pytest.raises(edtf.UnreadableDate):
        edtf.read(typed)


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
        ("", None, None),
    ],
)
def test_bounds_are_first_and_last_day(stored, earliest, latest):
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
    ],
)
def test_in_words_is_no_more_precise_than_what_is_known(stored, english, indonesian):
    with override("en"):
        assert edtf.in_words(stored) == english
    with override("id"):
        assert edtf.in_words(stored) == indonesian


@given(st.text(max_size=60))
def test_read_never_fails_otherwise(text):
    try:
        stored = edtf.read(text)
    except edtf.UnreadableDate:
        return
    first, last = edtf.bounds(stored)
    assert first is None or last is None or first <= last


@given(st.dates(min_value=dt.date(1, 1, 1)))
def test_a_day_comes_back_as_itself(day):
    assert edtf.bounds(edtf.read(day.isoformat())) == (day, day)
