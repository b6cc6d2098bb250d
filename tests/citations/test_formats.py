"""References: every format can be parsed again, whatever characters a title contains."""

import datetime as dt
import html
import json
import re
import subprocess
import sys

import pytest
from django.utils.translation import override
from pybtex.database import parse_string

from allies.citations.formats import STYLES, CitableWork, format_reference, to_bibtex, to_csl_json

#: Titles with special characters of TeX, HTML, JSON and their parsers.
HOSTILE = [
    "Plain",
    "R&D: 100% of $5 #1 under_score",
    "One { brace",
    "Another } brace",
    "{Both} and {{more}}",
    r"\input{/etc/passwd} \\ ~ ^",
    'He said "no", she said “yes”',
    "<script>alert(1)</script> <b>bold</b> <i>",
    "@misc{evil, title = {x}}",
    "Two\nlines\tand tabs",
    "Ünïcødé — 中文 🙂 Côte d’Ivoire",
    "a &amp; b &lt; c",
    "\ue000\ue001 private \ue002",
    "What now?",
    "%s %(name)s {0}",
]

_TEX = {
    r"\textbackslash{}": "\\",
    r"\textbraceleft{}": "{",
    r"\textbraceright{}": "}",
    r"\textasciitilde{}": "~",
    r"\textasciicircum{}": "^",
    **{f"\\{sign}": sign for sign in "&%$#_"},
}


def from_tex(text):
    pattern = "|".join(re.escape(sign) for sign in sorted(_TEX, key=len, reverse=True))
    return re.sub(pattern, lambda found: _TEX[found[0]], text)


def work(**given):
    fields = {
        "key": "dw-2024-en",
        "kind": "article-newspaper",
        "title": "Plain",
        "author": "Jane Doe",
        "publisher": "DW",
        "url": "https://example.org/a?b=1&c=%20_d",
        "accessed": dt.date(2026, 11, 24),
        "issued": "2024-06-19",
        "language": "en",
    }
    return CitableWork(**{**fields, **given})


def read_bibtex(cited):
    data = parse_string(to_bibtex(cited), "bibtex")
    assert list(data.entries) == [cited.key]
    return data.entries[cited.key]


def plain(cited, style):
    """Return a reference as a reader sees it; check that italics are its only markup."""
    text = format_reference(cited, style)
    assert set(re.findall(r"</?(\w+)", text)) <= {"i"}
    return html.unescape(re.sub(r"</?i>", "", text))


def in_one_line(title):
    return " ".join(title.split())


@pytest.mark.parametrize("title", HOSTILE)
def test_bibtex_round_trip_keeps_the_title(title):
    entry = read_bibtex(work(title=title, author=title, publisher=title[::-1]))
    said = entry.fields["title"]
    assert said.startswith("{")
    assert said.endswith("}")
    assert from_tex(said[1:-1]) == in_one_line(title)
    # Only our own escape sequences are commands, so that a title cannot run TeX code.
    assert set(re.findall(r"\\[a-z]+", said)) <= {name[: name.find("{")] for name in _TEX}
    assert entry.fields["url"] == "https://example.org/a?b=1&c=%20_d"


@pytest.mark.parametrize("title", HOSTILE)
def test_csl_json_round_trip_keeps_the_title(title):
    (item,) = json.loads(to_csl_json(work(title=title)))
    assert item["title"] == title
    assert item["issued"] == {"date-parts": [[2024, 6, 19]]}
    assert item["accessed"] == {"date-parts": [[2026, 11, 24]]}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("title", HOSTILE)
def test_reference_shows_the_title_as_text(title, style):
    said = plain(work(title=title, language="de"), style)
    wanted = re.sub("[\ue000-\ue002]", "", title).split()
    for word in wanted:
        assert re.sub(r"[“”\"‘’'?]", "", word) in re.sub(r"[“”\"‘’'?]", "", said), said


def test_references_follow_the_styles():
    cited = work(title="Russia’s friends in Asia")
    assert plain(cited, "APA") == (
        "Jane Doe. (2024, June 19). Russia’s friends in Asia. DW. https://example.org/a?b=1&c=%20_d"
    )
    assert plain(cited, "Chicago") == (
        "Jane Doe. 2024. “Russia’s Friends in Asia.” DW, June 19. "
        "https://example.org/a?b=1&c=%20_d."
    )


def test_several_authors_are_separate_names():
    cited = work(
        kind="dataset",
        author="Leeds, Brett Ashley; Ritter, Jeffrey; ATOP Project",
        doi="10.7910/DVN/1_2",
        publisher="Rice University",
    )
    (item,) = json.loads(to_csl_json(cited))
    assert item["author"] == [
        {"family": "Leeds", "given": "Brett Ashley"},
        {"family": "Ritter", "given": "Jeffrey"},
        {"literal": "ATOP Project"},
    ]
    assert item["DOI"] == "10.7910/DVN/1_2"
    entry = read_bibtex(cited)
    assert [str(person) for person in entry.persons["author"]] == [
        "Leeds, Brett Ashley",
        "Ritter, Jeffrey",
        "{ATOP Project}",
    ]
    assert entry.fields["doi"] == "10.7910/DVN/1_2"
    assert plain(cited, "APA").startswith("Leeds, B. A., Ritter, J., & ATOP Project.")
    assert plain(cited, "Chicago").startswith("Leeds, B. A., J. Ritter, and ATOP Project. 2024.")


def test_page_without_a_date_has_a_date_of_access():
    cited = work(kind="webpage", author="Allies", publisher="", issued="")
    assert "(n.d.)" in plain(cited, "APA")
    assert "Retrieved November 24, 2026, from" in plain(cited, "APA")
    assert "Accessed November 24, 2026." in plain(cited, "Chicago")
    with override("id"):
        assert "Diakses 24 November 2026" in plain(cited, "Chicago")


def test_edition_has_its_number():
    cited = work(kind="document", author="Allies", publisher="", version="3", note="SHA-256 abc")
    assert plain(cited, "APA").startswith("Allies. (2024, June 19). Plain (Version 3).")
    assert "Version 3." in plain(cited, "Chicago")
    assert read_bibtex(cited).fields["version"] == "3"
    assert read_bibtex(cited).fields["note"] == "SHA-256 abc"
    assert json.loads(to_csl_json(cited))[0]["version"] == "3"


@pytest.mark.parametrize(
    ("issued", "csl", "year", "said"),
    [
        ("", None, None, "n.d."),
        ("2024", {"date-parts": [[2024]]}, "2024", "(2024)"),
        ("2024-05", {"date-parts": [[2024, 5]]}, "2024", "(2024, May)"),
        ("2024~", {"date-parts": [[2024]], "circa": True}, "2024", "(ca. 2024)"),
        ("2024-03/2024-06", {"date-parts": [[2024, 3], [2024, 6]]}, "2024", "(2024)"),
        ("2022/2024", {"date-parts": [[2022], [2024]]}, None, "(2022–2024)"),
        ("../2022-02-24", {"literal": "by 24 February 2022"}, None, "n.d."),
        ("../2021", {"literal": "before 2022"}, None, "n.d."),
        ("198X", {"literal": "the 1980s"}, None, "(1980–1989)"),
        ("200X", {"literal": "some time in 2000–2009"}, None, "(2000–2009)"),
        ("2022~/2024", {"date-parts": [[2022], [2024]], "circa": True}, None, "(2022–2024)"),
    ],
)
def test_dates_keep_the_precision(issued, csl, year, said):
    cited = work(issued=issued)
    assert json.loads(to_csl_json(cited))[0].get("issued") == csl
    assert read_bibtex(cited).fields.get("year") == year
    assert said in plain(cited, "APA")


@pytest.mark.parametrize(
    "kind",
    ["article-newspaper", "dataset", "treaty", "entry-encyclopedia", "book", "report", "webpage"],
)
@pytest.mark.parametrize("style", STYLES)
def test_every_kind_of_source_has_a_title_a_year_and_a_url(kind, style):
    said = plain(work(kind=kind), style)
    for part in ("Jane Doe", "Plain", "2024", "https://example.org/"):
        assert part in said
    assert "Edition" not in said


@pytest.mark.slow
def test_libraries_are_imported_only_when_needed():
    code = (
        "import django, sys; django.setup(); import allies.urls;"
        "print(sorted({'citeproc', 'pybtex'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**__import__("os").environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
    )
    assert done.stdout.strip() == "[]"
