"""Dates in words, in English and Indonesian, and what their readings contain."""

import calendar
import datetime as dt
import itertools
import re
import time
from pathlib import Path

import pytest
from django.utils.formats import date_format
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from allies.text.date_parser import MAX_LENGTH, AmbiguousDate, parse_date
from allies.text.edtf import (
    QUALIFIERS,
    UnreadableDate,
    bounds,
    format_edtf,
    format_start_date,
)

DOCS = Path(__file__).resolve().parents[2] / "docs"
BEFORE = ("before", "prior to", "earlier than", "sebelum")
BY = (
    *("until", "by", "not later than", "no later than", "not after", "on or before", "hingga"),
    *("sampai", "paling lambat", "sampai dengan", "s.d."),
)
AFTER = ("after", "later than", "setelah", "sesudah", "selepas", "pasca")
SINCE = (
    *("since", "from", "starting", "on or after", "not earlier than", "not before", "sejak"),
    *("dari", "mulai", "paling cepat"),
)
ABOUT = ("about", "around", "circa", "c", "c.", "ca", "ca.", "approx.", "sekitar", "kira-kira")
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
        ("2004-06-11?", "2004-06-11?"),
        ("198X", "198X"),
        ("198x", "198X"),
        ("20XX", "20XX"),
        ("19XX", "19XX"),
        ("198X~", "198X~"),
        ("2024-06-XX", "2024-06"),
        ("2024-XX-XX", "2024"),
        ("2024-XX/2025-06-XX", "2024/2025-06"),
        ("2024-06-XX~", "2024-06~"),
        ("19 June 2024", "2024-06-19"),
        ("19 Juni 2024", "2024-06-19"),
        ("  June 19,  2024 ", "2024-06-19"),
        ("19. Juni 2024", "2024-06-19"),
        ("1 June, 2024", "2024-06-01"),
        ("31 December 2024", "2024-12-31"),
        ("June 2, 2024", "2024-06-02"),
        ("June. 2 2024", "2024-06-02"),
        ("June 2nd, 2024", "2024-06-02"),
        ("the 1st of May 2024", "2024-05-01"),
        ("tanggal 3 Mei 2024", "2024-05-03"),
        ("19-Jun-2024", "2024-06-19"),
        ("19 Sept. 2024", "2024-09-19"),
        ("May 2024", "2024-05"),
        ("May, 2024", "2024-05"),
        ("Mei 2024", "2024-05"),
        ("bulan Mei 2024", "2024-05"),
        ("Feb. 2024", "2024-02"),
        ("tahun 2024", "2024"),
        *((f"{name} 2024", f"2024-{number:02}") for number, name in MONTHS),
        *((f"{name}. 2024", f"2024-{number:02}") for number, name in MONTHS),
        *((f"9 {name.upper()} 2024", f"2024-{number:02}-09") for number, name in MONTHS),
    ],
)
def test_one_date(typed, stored):
    assert parse_date(typed) == stored


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("31/12/2024", "2024-12-31"),
        ("12/31/2024", "2024-12-31"),
        ("24.02.2022", "2022-02-24"),
        ("24-02-2022", "2022-02-24"),
        ("2024/02/24", "2024-02-24"),
        ("2024/02/03", "2024-02-03"),
        ("2024.2.24", "2024-02-24"),
        ("2024-6-1", "2024-06-01"),
        ("04/04/2020", "2020-04-04"),
        ("06/2024", "2024-06"),
        ("05.2024", "2024-05"),
    ],
)
def test_numbers_with_one_reading(typed, stored):
    assert parse_date(typed) == stored


@pytest.mark.parametrize(
    ("typed", "readings"),
    [
        ("03/04/2020", ["2020-03-04", "2020-04-03"]),
        ("03.04.2020", ["2020-03-04", "2020-04-03"]),
        ("3-4-2020", ["2020-03-04", "2020-04-03"]),
        ("before 03/04/2020", ["2020-03-04", "2020-04-03"]),
        ("the 2000s", ["200X", "20XX"]),
        ("2000-an", ["200X", "20XX"]),
        ("early 1900s", ["190X", "19XX"]),
    ],
)
def test_two_readings_are_refused_and_named(typed, readings):
    with pytest.raises(AmbiguousDate) as refused:
        parse_date(typed)
    assert refused.value.readings == readings
    for language in ("en", "id"):
        with override(language):
            assert [parse_date(format_edtf(reading)) for reading in readings] == readings


@pytest.mark.parametrize(
    "typed",
    [
        *("2024-13-01", "2024-02-30", "soon", "2024/2023", "../..", "30/02/2024", "31/31/2024"),
        *("/", "2024/", "24", "999", "0000", "32 May 2024", "30 February 2024", "Smarch 2024"),
        *("2024-21", "y-17e7", "[1667,1668]", "2004-06?-11", "uuuu", "٢٠٢٤", "00XX", "1XXX"),
        *("2024-01-01/2024-01-02/2024-01-03", "mei 0000", "2024/13/01", "13/2024", "2024-XX-15"),
        *("19/6/24", "19-Jun-24", "May-24", "2020-21", "1990–95", "2011/12", "2024/06"),
        *("summer 2024", "the 90s", "1990-an sebelum Masehi", "sebelum Masehi", "before soon"),
        *("before 0001", "after 9999", "between 2022 and 2020", "December – January 2024"),
        *("March and June 2024", "3 and 5 May 2024", "year to May 2024", "before 2020–2022"),
        *("third half 2024", "2024 Q5", "mid-early 2024", "abad ke-iix", "early 5 May 2024"),
        "2024 " * MAX_LENGTH,
    ],
)
def test_what_is_no_clear_date_is_refused(typed):
    with pytest.raises(UnreadableDate):
        parse_date(typed)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        *((f"{word} 2022", "../2021") for word in BEFORE),
        *((f"{word} 2022", "../2022") for word in BY),
        *((f"{word} 2012", "2013/..") for word in AFTER),
        *((f"{word} 2022", "2022/..") for word in SINCE),
        *((f"{word} 2022", "2022~") for word in ABOUT),
        ("before 24 February 2022", "../2022-02-23"),
        ("sebelum 24 Februari 2022", "../2022-02-23"),
        ("before 1 March 2024", "../2024-02-29"),
        ("before May 2024", "../2024-04"),
        ("before January 2024", "../2023-12"),
        ("sebelum tahun 2022", "../2021"),
        ("after 24 February 2022", "2022-02-25/.."),
        ("setelah 31 Desember 2012", "2013-01-01/.."),
        ("after December 2012", "2013-01/.."),
        ("before the 1990s", "../1989"),
        ("setelah tahun 1990-an", "2000/.."),
        ("since the 1990s", "199X/.."),
        ("before Q2 2024", "../2024-03"),
        ("after Q2 2024", "2024-07/.."),
        ("before 24.02.2022", "../2022-02-23"),
        ("2021 or earlier", "../2021"),
        ("2023 or later", "2023/.."),
        ("2023 atau sesudahnya", "2023/.."),
        ("from 2022 onwards", "2022/.."),
        ("before early 2024", "../2024-04"),
        ("after early 2024", "2024-01/.."),
        ("before about 1990", "../1990~"),
        ("by about 1990", "../1990~"),
        ("after 1990?", "1990?/.."),
    ],
)
def test_limits(typed, stored):
    assert parse_date(typed) == stored


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("1990s", "199X"),
        ("the 1990s", "199X"),
        ("1990's", "199X"),
        ("1990-an", "199X"),
        ("tahun 1990-an", "199X"),
        ("dekade 1990-an", "199X"),
        ("dekade 2000-an", "200X"),
        ("about the 1990s", "199X~"),
        ("the 20th century", "1901/2000"),
        ("abad ke-20", "1901/2000"),
        ("abad XIX", "1801/1900"),
        ("early 2024", "2024-01/2024-04"),
        ("awal 2024", "2024-01/2024-04"),
        ("awal tahun 2024", "2024-01/2024-04"),
        ("mid-2024", "2024-05/2024-08"),
        ("pertengahan 2024", "2024-05/2024-08"),
        ("late 2024", "2024-09/2024-12"),
        ("the end of 2024", "2024-09/2024-12"),
        ("akhir 2024", "2024-09/2024-12"),
        ("early May 2024", "2024-05-01/2024-05-10"),
        ("pertengahan Mei 2024", "2024-05-11/2024-05-20"),
        ("late Feb. 2024", "2024-02-21/2024-02-29"),
        ("early 1990s", "1990/1993"),
        ("mid-1990s", "1993/1996"),
        ("akhir 1990-an", "1996/1999"),
        ("early 20th century", "1901/1934"),
        ("Q1 2024", "2024-01/2024-03"),
        ("2024-Q4", "2024-10/2024-12"),
        ("the second quarter of 2024", "2024-04/2024-06"),
        ("kuartal I 2024", "2024-01/2024-03"),
        ("triwulan ketiga tahun 2024", "2024-07/2024-09"),
        ("first half of 2024", "2024-01/2024-06"),
        ("semester II 2024", "2024-07/2024-12"),
        ("about early 2024", "2024-01~/2024-04~"),
    ],
)
def test_named_periods(typed, stored):
    assert parse_date(typed) == stored


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("3–5 May 2024", "2024-05-03/2024-05-05"),
        ("3—5 May 2024", "2024-05-03/2024-05-05"),
        ("3 to 5 May 2024", "2024-05-03/2024-05-05"),
        ("3-5 Mei 2024", "2024-05-03/2024-05-05"),
        ("3 sampai 5 Mei 2024", "2024-05-03/2024-05-05"),
        ("3 s.d. 5 Mei 2024", "2024-05-03/2024-05-05"),
        ("May 3–5, 2024", "2024-05-03/2024-05-05"),
        ("between May 3 and 5, 2024", "2024-05-03/2024-05-05"),
        ("between 3 and 5 May 2024", "2024-05-03/2024-05-05"),
        ("28 April – 2 May 2024", "2024-04-28/2024-05-02"),
        ("April 28 – May 2, 2024", "2024-04-28/2024-05-02"),
        ("28 December 2023 – 2 January 2024", "2023-12-28/2024-01-02"),
        ("March to June 2024", "2024-03/2024-06"),
        ("Jan.–Mar. 2024", "2024-01/2024-03"),
        ("between March 2024 and June 2024", "2024-03/2024-06"),
        ("between March and June 2024", "2024-03/2024-06"),
        ("antara Maret dan Juni 2024", "2024-03/2024-06"),
        ("Maret - Juni 2024", "2024-03/2024-06"),
        ("Maret sampai Juni 2024", "2024-03/2024-06"),
        ("Q1–Q2 2024", "2024-01/2024-06"),
        ("early–mid 2024", "2024-01/2024-08"),
        ("2020 – 2022", "2020/2022"),
        ("2020-2022", "2020/2022"),
        ("2020–2022", "2020/2022"),
        ("2020 to 2022", "2020/2022"),
        ("2020 sampai 2022", "2020/2022"),
        ("2020 hingga 2022", "2020/2022"),
        ("from 2020 to 2022", "2020/2022"),
        ("dari 2020 sampai 2022", "2020/2022"),
        ("sejak 2020 hingga 2022", "2020/2022"),
        ("antara 2020 dan 2022", "2020/2022"),
        ("May 2020 to 19 June 2022", "2020-05/2022-06-19"),
        ("2024-05-03 - 2024-05-05", "2024-05-03/2024-05-05"),
        ("early 2023 to late 2024", "2023-01/2024-12"),
        ("between about 1990 and 1995 (uncertain)", "1990~/1995?"),
    ],
)
def test_ranges(typed, stored):
    assert parse_date(typed) == stored


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("19\N{NO-BREAK SPACE}June\N{NARROW NO-BREAK SPACE}2024", "2024-06-19"),
        ("2024\N{NON-BREAKING HYPHEN}06\N{NON-BREAKING HYPHEN}19", "2024-06-19"),
        ("2024–06–19", "2024-06-19"),
        ("2020\N{FIGURE DASH}2022", "2020/2022"),
        ("\N{ZERO WIDTH NO-BREAK SPACE}2024\N{ZERO WIDTH SPACE}", "2024"),
        ("mid\N{NON-BREAKING HYPHEN}2024", "2024-05/2024-08"),
    ],
)
def test_spaces_and_dashes_of_word_processors(typed, stored):
    assert parse_date(typed) == stored


SPAN = re.compile("`([^`]+)`")


@pytest.mark.parametrize("handbook", ["data.md", "data.id.md"])
def test_handbook_for_data_managers_says_how_dates_are_stored(handbook):
    _before, _heading, table = (DOCS / handbook).read_text().partition("| --- | --- |\n| `19 ")
    rows = [row.split(" | ") for row in ("| `19 " + table).partition("\n\n")[0].splitlines()]
    assert len(rows) == 8
    for typed, stored in rows:
        assert [parse_date(words) for words in SPAN.findall(typed)] == SPAN.findall(stored)


@pytest.mark.parametrize(
    ("handbook", "heading"),
    [("editors.md", "## How to write a date"), ("editors.id.md", "## Cara menulis tanggal")],
)
def test_handbook_for_editors_lists_dates_that_are_read(handbook, heading):
    section = (DOCS / handbook).read_text().partition(f"{heading}\n")[2].partition("\n## ")[0]
    examples = [
        words for row in section.splitlines() if row.startswith("| ") for words in SPAN.findall(row)
    ]
    assert len(examples) > 20
    for words in examples:
        assert parse_date(words)
    shown = re.findall("“([^”]*20[^”]*)”", section.rpartition("\n\n")[0].rpartition("\n\n")[2])
    for words in shown:
        assert parse_date(" ".join(words.split()))


# Properties.

YEARS = st.integers(min_value=1, max_value=9999)
MARKS = st.sampled_from(["", "", "~", "?", "%"])
DAYS = st.dates(min_value=dt.date(1, 1, 1))
POINTS = st.one_of(
    YEARS.map("{:04}".format),
    DAYS.map(lambda day: day.isoformat()[:7]),
    DAYS.map(dt.date.isoformat),
    st.integers(min_value=1, max_value=999).map("{:03}X".format),
    st.integers(min_value=1, max_value=99).map("{:02}XX".format),
)
MARKED = st.tuples(POINTS, MARKS).map("".join)


CLOSE_DAYS = st.tuples(DAYS, st.integers(min_value=0, max_value=400)).map(
    lambda given: (given[0], dt.date.fromordinal(min(given[0].toordinal() + given[1], LAST_DAY)))
)
LANGUAGES = st.sampled_from(["en", "id"])
LAST_DAY = dt.date.max.toordinal()
ONE_DAY = dt.timedelta(days=1)


def _is_stored(value):
    try:
        return bool(bounds(value))
    except UnreadableDate:
        return False


STORED = st.one_of(
    MARKED,
    MARKED.map("../{}".format),
    MARKED.map("{}/..".format),
    st.tuples(MARKED, MARKED).map("/".join).filter(_is_stored),
    CLOSE_DAYS.map(lambda days: f"{days[0]}/{days[1]}"),
    CLOSE_DAYS.map(lambda days: f"{str(days[0])[:7]}/{str(days[1])[:7]}"),
)


@given(STORED, LANGUAGES)
def test_shown_date_is_read_with_the_same_meaning(stored, language):
    for show in (format_edtf, format_start_date):
        with override(language):
            shown = show(stored)
        found = parse_date(shown)
        assert bounds(found) == bounds(stored), (shown, found)
        assert QUALIFIERS.intersection(found) == QUALIFIERS.intersection(stored), (shown, found)


@given(STORED)
def test_stored_date_is_read_unchanged(stored):
    assert parse_date(stored) == stored


@given(
    st.dates(min_value=dt.date(2, 1, 1), max_value=dt.date(9998, 12, 31)),
    st.sampled_from(["j F Y", "F Y", "Y"]),
    LANGUAGES,
)
def test_limit_contains_exactly_what_its_words_say(day, precision, language):
    with override(language):
        words = date_format(day, precision)
    first, last = {
        "j F Y": (day, day),
        "F Y": (day.replace(day=1), day.replace(day=calendar.monthrange(day.year, day.month)[1])),
        "Y": (dt.date(day.year, 1, 1), dt.date(day.year, 12, 31)),
    }[precision]
    assert bounds(parse_date(words)) == (first, last)
    for word in BEFORE:
        assert bounds(parse_date(f"{word} {words}")) == (None, first - ONE_DAY)
    for word in BY:
        assert bounds(parse_date(f"{word} {words}")) == (None, last)
    for word in AFTER:
        assert bounds(parse_date(f"{word} {words}")) == (last + ONE_DAY, None)
    for word in SINCE:
        assert bounds(parse_date(f"{word} {words}")) == (first, None)


@given(CLOSE_DAYS, st.sampled_from(["–", " – ", "-", " - ", " to ", " sampai "]), LANGUAGES)
def test_range_contains_exactly_its_days(days, separator, language):
    first, last = days
    shortest = "j F Y"
    if first.year == last.year:
        shortest = "j" if first.month == last.month else "j F"
    with override(language):
        words = f"{date_format(first, shortest)}{separator}{date_format(last, 'j F Y')}"
    assert bounds(parse_date(words)) == (first, last)


@given(DAYS, st.sampled_from("/.-"))
def test_date_of_numbers_is_read_only_if_one_order_is_possible(day, separator):
    year = f"{day.year:04}"
    words = separator.join([str(day.day), str(day.month), year])
    if day.day > 12 or day.day == day.month:
        assert parse_date(words) == day.isoformat()
        assert parse_date(separator.join([str(day.month), str(day.day), year])) == day.isoformat()
    else:
        with pytest.raises(AmbiguousDate):
            parse_date(words)
    assert parse_date(separator.join([year, str(day.month), str(day.day)])) == day.isoformat()


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        (("early {}", "mid-{}", "late {}"), "2024"),
        (("awal {}", "pertengahan {}", "akhir {}"), "Februari 2023"),
        (("early {}", "mid {}", "late {}"), "May 2024"),
        (("Q1 {}", "Q2 {}", "Q3 {}", "Q4 {}"), "2024"),
        (("kuartal I {}", "kuartal II {}", "kuartal III {}", "kuartal IV {}"), "2024"),
        (("H1 {}", "paruh kedua {}"), "2024"),
    ],
)
def test_parts_fill_the_whole(parts, whole):
    found = [bounds(parse_date(part.format(whole))) for part in parts]
    expected = bounds(parse_date(whole))
    assert (found[0].earliest, found[-1].latest) == expected
    for one, following in itertools.pairwise(found):
        assert following.earliest == one.latest + ONE_DAY


@given(st.text(max_size=60))
def test_only_unreadable_date_is_raised(text):
    try:
        stored = parse_date(text)
    except UnreadableDate:
        return
    first, last = bounds(stored)
    assert first is None or last is None or first <= last


WORDS = (
    *(
        "before",
        "sampai",
        "about",
        "early",
        "mid-",
        "akhir",
        "the",
        "tahun",
        "between",
        "and",
        "Q1",
    ),
    *("–", "-", "/", "..", "2024", "1990s", "2000-an", "May", "3", "12", "?", "~", "(uncertain)"),
    *("or later", "abad", "XX", "to", "of", "Q1"),
)


@given(st.lists(st.sampled_from(WORDS), max_size=8), st.sampled_from(["", " "]))
def test_words_of_dates_in_any_order_are_refused_or_read(words, separator):
    try:
        stored = parse_date(separator.join(words))
    except UnreadableDate:
        return
    bounds(stored)
    assert parse_date(stored) == stored


@pytest.mark.parametrize("text", ["-" * MAX_LENGTH, "c" * MAX_LENGTH, "1-" * 60, "about " * 20])
def test_long_text_is_refused_at_once(text):
    begun = time.perf_counter()
    with pytest.raises(UnreadableDate):
        parse_date(text)
    assert time.perf_counter() - begun < 0.5
