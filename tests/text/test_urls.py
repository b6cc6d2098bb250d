"""Web addresses: their stored form, and keys that tell if two lead to one document."""

import pytest

from allies.text.normalize import title_key
from allies.text.urls import (
    archived_url_target,
    comparison_key,
    is_archive_url,
    normalize_url,
    url_key,
)


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("HTTPS://WWW.DW.com/En/A-69428963", "https://www.dw.com/En/A-69428963"),
        ("http://dw.com:80/a", "http://dw.com/a"),
        ("https://dw.com:443/a", "https://dw.com/a"),
        ("https://dw.com:8443/a", "https://dw.com:8443/a"),
        ("https://dw.com/a#part", "https://dw.com/a"),
        ("https://dw.com/a#:~:text=ally", "https://dw.com/a"),
        ("https://dw.com/#!/a", "https://dw.com/#!/a"),
        ("https://dw.com/a?utm_source=x&id=4&fbclid=y", "https://dw.com/a?id=4"),
        ("https://dw.com/a?maca=en-rss", "https://dw.com/a"),
        ("https://bbc.com/n?at_medium=RSS&at_campaign=KARANGA", "https://bbc.com/n"),
        ("https://x.com/a?gclid=1&mc_cid=2&igshid=3&ref_src=4&cmpid=5", "https://x.com/a"),
        ("https://x.com/a?b=2&a=1&b=%20", "https://x.com/a?b=2&a=1&b=%20"),
        ("https://x.com/a/", "https://x.com/a/"),
        (" https://x.com/a ", "https://x.com/a"),
        ("https://me@X.com/a", "https://me@x.com/a"),
        ("https://[::1", "https://[::1"),
        ("https://x.com:port/", "https://x.com:port/"),
        ("not an address", "not an address"),
        ("", ""),
        (
            "https://Web.Archive.org/web/20240620/https://dw.com/a?utm_source=x",
            "https://web.archive.org/web/20240620/https://dw.com/a?utm_source=x",
        ),
    ],
)
def test_normalize_url_returns_the_stored_form(given, stored):
    assert normalize_url(given) == stored
    assert normalize_url(stored) == stored


@pytest.mark.parametrize(
    "other",
    [
        "http://dw.com/en/a",
        "https://www.dw.com/en/a/",
        "https://m.dw.com/en/a",
        "https://amp.dw.com/en/a?utm_source=x",
        "https://www.dw.com/amp/en/a",
        "https://www.dw.com/en/a/amp",
        "https://web.archive.org/web/20240620101112/https://www.dw.com/en/a",
        "https://web.archive.org/web/2024id_/http:/www.dw.com/en/a/",
        "https://web.archive.org/web/*/www.dw.com/en/a",
        "https://archive.ph/2024.06.20-101112/https://www.dw.com/en/a",
        "https://archive.today/o/Ab12C/https://www.dw.com/en/a",
        "https://archive.is/https://www.dw.com/en/a",
    ],
)
def test_comparison_key_is_the_same_for_one_document(other):
    assert comparison_key(other) == comparison_key("https://www.dw.com/en/a") == "dw.com/en/a"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://dw.com/a?x=1&y=2", "https://dw.com/a?y=2&x=1"),
        ("https://en.m.wikipedia.org/wiki/A%E2%80%93B", "https://en.wikipedia.org/wiki/A–B"),
        ("https://archive.today/Ab12C", "https://archive.ph/Ab12C"),
    ],
)
def test_comparison_key_ignores_other_spellings(one, other):
    assert comparison_key(one) == comparison_key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://dw.com/a?id=1", "https://dw.com/a?id=2"),
        ("https://dw.com/A", "https://dw.com/a"),
        ("https://id.dw.com/a", "https://de.dw.com/a"),
        ("https://archive.ph/Ab12C", "https://archive.ph/Xy99Z"),
        ("https://x.com/#!/a", "https://x.com/#!/b"),
    ],
)
def test_comparison_key_differs_for_two_documents(one, other):
    assert comparison_key(one) != comparison_key(other)


def test_archived_url_target_without_original_url():
    assert is_archive_url("https://archive.ph/Ab12C")
    assert archived_url_target("https://archive.ph/Ab12C") == ""
    assert archived_url_target("https://web.archive.org/index.html") == ""
    assert archived_url_target("https://dw.com/web/2024/https://x.com") == ""


def test_archived_url_target_includes_the_query_string():
    kept = "https://web.archive.org/web/2024/https://x.com/a?id=4&utm_source=y"
    assert archived_url_target(kept) == "https://x.com/a?id=4&utm_source=y"
    assert comparison_key(kept) == comparison_key("https://x.com/a?id=4")


def test_url_keys_of_long_urls_are_short_and_differ():
    one, other = (f"https://x.com/{'ü' * 900}{n}" for n in (1, 2))
    assert len(url_key(one)) == len(url_key(other)) == 200
    assert url_key(one) != url_key(other)


@pytest.mark.parametrize(
    ("title", "publisher"),
    [
        ("Stand by me?", "DW"),
        ("Stand By Me – DW – 06/20/2024", "DW"),
        ("Stand by me | BBC News", "BBC"),
        ("Stand by me - BBC", "BBC News"),
        ("Stand by me", ""),
    ],
)
def test_title_key_leaves_out_the_outlet(title, publisher):
    assert title_key(title, publisher) == "stand by me"


def test_title_key_keeps_other_parts():
    assert title_key("Stand by me – part two", "DW") == "stand by me part two"
    assert title_key("DW", "DW") == "dw"
