"""All public pages in every format: filters, errors, languages, and no unpublished content."""

import csv
import io
import json
import re
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.translation import override

from allies import __version__
from allies.models import Alias, Country, Event, OldSlug, Source, Status
from tests import factories
from tests.views import page_urls
from tests.views.page_urls import body

pytestmark = pytest.mark.usefixtures("demo_data")

SECRET = "Zanzabarra"
ATOM = "{http://www.w3.org/2005/Atom}"
#: Countries with more content than others; the pages of all countries are built alike.
SOME = ("RUS", "CHN", "IND", "DEU")


def public_addresses():
    """Yield URLs of every view, with those of the newest records, in both languages."""
    countries = Country.objects.filter(alpha3__in=SOME)
    for language in ("en", "id"):
        with override(language):
            for name in page_urls.names():
                is_of_country = name.startswith("country")
                yield from page_urls.of(name, countries) if is_of_country else page_urls.some(name)


@pytest.fixture
def secrets():
    """Unpublished records of every type with public ones that refer to them."""
    text = {"title_en": SECRET, "title_ind": SECRET}
    hidden = factories.source(status=Status.DRAFT, title=SECRET, key="zanzabarra")
    records = [hidden]
    for status in (Status.DRAFT, Status.IN_REVIEW, Status.WITHDRAWN):
        alliance = factories.alliance(
            "RUS", "IND", status=status, slug=f"zanzabarra-{status}", **text
        )
        event = factories.event(
            ("RUS", "host"), ("CHN", "visitor"), status=status, slug=f"zanzabarra-{status}", **text
        )
        listed = factories.ally_list(
            "RUS", "CHN", "DEU", status=status, slug=f"zanzabarra-{status}", **text
        )
        records += [alliance, event, listed]
    public = factories.event(("RUS", "host"), ("CHN", "visitor"), alliance=records[1])
    factories.cite(public, hidden, note_en=SECRET)
    unsupported = factories.event(
        ("RUS", "host"), ("CHN", "visitor"), cited=False, slug="zanzabarra-uncited", **text
    )
    factories.cite(unsupported, hidden)
    mine = factories.ally_list("RUS", "CHN", recorded_from=hidden)
    factories.source(derived_from=hidden)
    entry = mine.entries.create(country=factories.country("DEU"), position=9, prose_en=SECRET)
    factories.cite(entry, hidden)
    cites_hidden(public, mine)
    return [*records, unsupported]


def cites_hidden(event, ally_list):
    """Make public texts cite the hidden source, and edit them, so that histories contain it."""
    listed = ally_list.entries.get(country=factories.country("CHN"))
    texts = {event: "summary", ally_list: "intro", listed: "prose", listed.citations.get(): "note"}
    for record, name in texts.items():
        for said in ("was", "is"):
            text = f"It {said} said [@zanzabarra, p. 9; @dw-2024-en]."
            setattr(record, f"{name}_en", text)
            record.save()


@pytest.mark.slow
def test_no_page_shows_a_draft(secrets, client):
    seen = 0
    for address in public_addresses():
        response = client.get(address)
        assert response.status_code == 200, address
        assert SECRET.casefold() not in body(response).casefold(), address
        seen += 1
    assert seen > 60


def test_drafts_give_404(secrets, client):
    for record in secrets:
        with override("en"):
            for address in {
                record.get_absolute_url(),
                record.get_absolute_url().rstrip("/") + ".csv",
            }:
                assert client.get(address).status_code == 404, address


def test_drafts_are_not_counted(few_ties, secrets, client):
    for address in ("/en/countries/russia/allies.csv?q=india", "/en/countries/germany/allies.csv"):
        assert len(body(client.get(address)).splitlines()) == 1
    rows = json.loads(body(client.get("/en/countries.json?q=india")))["rows"]
    assert [row["ties"] for row in rows if row["country"] == "IND"] == [0]


def test_old_slug_of_draft_gives_404(client):
    event = factories.event(("RUS", "host"), status=Status.DRAFT)
    OldSlug.objects.remember(Event, [("was-public", event.pk)])
    assert client.get("/en/events/was-public/").status_code == 404


def test_old_slug_redirects_in_every_format(client):
    Country.objects.get(alpha3="RUS")
    russia = Country.objects.get(alpha3="RUS")
    russia.slug = "russian-federation"
    russia.save()
    response = client.get("/id/countries/russia/allies.csv?kind=defence-pact")
    assert (response.status_code, response.url) == (
        301,
        "/id/countries/russian-federation/allies.csv?kind=defence-pact",
    )
    assert client.get("/en/countries/russia/").url == "/en/countries/russian-federation/"


@pytest.mark.slow
@pytest.mark.sqlite_only
def test_public_pages_set_no_cookies_and_have_security_headers():
    for address, response in page_urls.responses().items():
        assert not response.cookies, address
        assert "Cookie" not in response.get("Vary", ""), address
        policy = response["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "camera=()" in response["Permissions-Policy"]
        assert response["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.slow
@pytest.mark.sqlite_only
def test_pages_have_no_inline_scripts_or_styles():
    for address, response in page_urls.responses().items():
        if address.endswith("/"):
            page = response.body
            assert not re.search(r"<style|\sstyle=|\son\w+=", page), address
            for attributes in re.findall(r"<script([^>]*)>", page):
                # A file of this site, or JSON-LD, which browsers do not run.
                assert re.search(r'\ssrc="/static/|\stype="application/ld\+json"', attributes), (
                    address
                )


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("countries/russia/allies", ""),
        ("countries/russia/allies", "region=142"),
        ("countries/russia/allies", "region=030"),
        ("countries/russia/allies", "kind=defence-pact"),
        ("countries/russia/allies", "kind=informal-alignment&on=2023-01-01"),
        ("countries/russia/allies", "min_sources=2"),
        ("countries/russia/allies", "q=Korut"),
        ("countries/north-korea/allies", "on=2001-05-05"),
    ],
)
def test_page_csv_json_and_feed_have_the_same_countries(path, query, client):
    page = body(client.get(f"/en/{path}/?{query}"))
    table = re.search(r"<tbody>(.*)</tbody>", page, re.S)
    on_page = (
        re.findall(r'<th scope="row"><a href="/en/countries/([\w-]+)/', table[1]) if table else []
    )
    rows = list(csv.DictReader(io.StringIO(body(client.get(f"/en/{path}.csv?{query}")))))
    data = json.loads(body(client.get(f"/en/{path}.json?{query}")))
    slugs = dict(Country.objects.values_list("alpha3", "slug"))
    assert on_page == [slugs[row["country"]] for row in rows]
    assert [row["country"] for row in data["rows"]] == [row["country"] for row in rows]
    assert data["count"] == len(rows) > 0
    feed = ElementTree.fromstring(body(client.get(f"/en/{path}.atom?{query}")))
    links = [entry.find(f"{ATOM}link").get("href") for entry in feed.iter(f"{ATOM}entry")]
    assert sorted(link.split("/")[-2] for link in links) == sorted(on_page)


def test_downloads_have_the_rows_of_all_pages(client):
    for _n in range(60):
        factories.event(("RUS", "host"), kind="statement")
    page = body(client.get("/en/events/?kind=statement"))
    assert "60 results" in page
    assert "Page 1 of 2" in page
    assert len(body(client.get("/en/events.csv?kind=statement")).splitlines()) == 61
    assert "Page 2 of 2" in body(client.get("/en/events/?kind=statement&page=2"))
    assert client.get("/en/events/?kind=statement&page=3").status_code == 404
    assert client.get("/en/events/?page=x").status_code == 404
    assert client.get(f"/en/events/?page={'9' * 5000}").status_code == 404
    assert client.get(f"/en/sources/dw-2024-en/?page={'9' * 5000}").status_code == 404


def test_first_column_of_allies_is_the_countrys_code(client):
    factories.alliance("RUS", slug="old").memberships.create(
        country=Country.objects.get(cow_code=300)
    )
    lines = body(client.get("/en/countries/russia/allies.csv?q=Austria-Hungary")).splitlines()
    assert lines[0].startswith("country,")
    assert lines[1].startswith("300,")


@pytest.mark.parametrize(
    "query",
    [
        "on=2024-13-01",
        "on=soon",
        "region=999",
        "kind=friendship",
        "min_sources=many",
        "min_sources=-1",
    ],
)
def test_invalid_value_gives_400_with_reason(query, client):
    name = query.split("=")[0]
    page = client.get(f"/en/countries/russia/allies/?{query}")
    assert page.status_code == 400
    assert re.search(rf'id="id_{name}_error">[^<]+<', body(page))
    data = client.get(f"/en/countries/russia/allies.json?{query}")
    assert data.status_code == 400
    assert list(json.loads(body(data))["errors"]) == [name]
    table = client.get(f"/en/countries/russia/allies.csv?{query}")
    assert table.status_code == 400
    assert name in body(table)


def test_unknown_parameter_is_error_in_downloads_and_notice_on_pages(client):
    for form in ("csv", "json"):
        response = client.get(f"/en/events.{form}?colour=red")
        assert response.status_code == 400
        assert "colour" in body(response)
    page = client.get("/en/events/?colour=red")
    assert page.status_code == 200
    assert "“colour”" in body(page)


def test_tracking_parameters_are_ignored_silently(client):
    tracked = "utm_source=x&utm_campaign=y&fbclid=z"
    plain = body(client.get("/en/events.csv?kind=visit"))
    assert body(client.get(f"/en/events.csv?kind=visit&{tracked}")) == plain
    assert (
        "utm_"
        not in body(client.get(f"/en/events/?{tracked}")).split("</head>")[1].split("<main")[1]
    )


@pytest.mark.parametrize(
    ("query", "slugs"),
    [
        ("kind=election", ["russian-presidential-election-2024"]),
        ("country=korut", ["putin-visits-north-korea-2024"]),
        ("country=CHN&role=absent", ["swiss-peace-summit-2024"]),
        ("certainty=alleged", ["china-urges-absence-from-swiss-summit-2024"]),
        (
            "date_after=2024-06-30&kind=visit",
            [
                "putin-visits-vietnam-2024",
                "putin-visits-north-korea-2024",
                "putin-visits-belarus-2024",
                "putin-visits-uzbekistan-2024",
            ],
        ),
        ("q=drone amunisi", ["iran-supplies-drones-and-ammunition"]),
    ],
)
def test_events_are_filtered(query, slugs, client):
    rows = csv.DictReader(io.StringIO(body(client.get(f"/en/events.csv?{query}"))))
    assert {row["event"] for row in rows} == set(slugs)


def test_country_filter_accepts_any_name_and_reports_unknown_ones(client):
    assert client.get("/en/alliances/?country=Tiongkok").status_code == 200
    response = client.get("/en/alliances/?country=Atlantis")
    assert response.status_code == 400
    assert "No country has this name" in body(response)
    Alias.objects.create(country=factories.country("PRK"), name="Twin")
    Alias.objects.create(country=factories.country("KOR"), name="Twin")
    assert "PRK" in body(client.get("/en/alliances.json?country=twin"))


def test_featured_list_shows_promised_and_actual_number(client):
    page = body(client.get("/id/lists/russia-allies-in-asia/"))
    names = re.findall(
        r'<span class="position">\d</span> <a[^>]*>(?:<svg.*?</svg>)?([^<]+)</a>', page
    )
    assert names == ["China", "Korea Utara", "Iran"]
    assert "Judulnya menyebut 4 sekutu; 3 dapat kami pastikan" in page
    assert "India" not in names


def test_root_redirects_to_preferred_language(client):
    for wanted, found in (
        ("id-ID,id;q=0.9,en;q=0.5", "/id/"),
        ("de,en;q=0.3", "/en/"),
        ("", "/en/"),
    ):
        response = client.get("/", headers={"Accept-Language": wanted})
        assert (response.status_code, response.url) == (302, found)
        assert "Accept-Language" in response["Vary"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("view", "parameter"),
    [
        *(
            ("countries/russia/allies", name)
            for name in ("region", "kind", "on", "min_sources", "q")
        ),
        *(("events", name) for name in ("kind", "country", "role", "certainty", "date_after", "q")),
        *(("countries", name) for name in ("region", "ties", "existence", "q")),
        *(("sources", name) for name in ("kind", "derivation", "date_before", "q")),
        *(("lists", name) for name in ("country", "origin", "q")),
    ],
)
@pytest.mark.parametrize("form", ["/", ".csv", ".json"])
def test_strange_values_cause_no_server_error(view, parameter, form, client):
    for value in (
        "0",
        "-1",
        "9" * 40,
        "0000-00-00",
        "9999-12-31",
        "٣",
        "²",
        "a,b",
        "[]",
        "x" * 6_000,
    ):
        response = client.get(f"/en/{view}{form}", {parameter: value})
        assert response.status_code in (200, 400), (parameter, value[:20])
    response = client.get(f"/en/{view}{form}", {parameter: "x" * 60_000})
    assert response.status_code == 414


def test_favicon_is_served(client):
    assert client.get("/favicon.ico")["Content-Type"] == "image/x-icon"


def test_former_state_links_to_allies_on_its_last_day(client):
    state = Country.objects.get(cow_code=300)
    factories.alliance("DEU", in_force="1879").memberships.create(country=state)
    page = body(client.get("/en/countries/austria-hungary/"))
    assert re.search(r"1 confirmed ally of [\w-]+ on \d+ \w+ 1918", page)
    assert "/en/countries/austria-hungary/allies/?on=1918-11-12" in page


def test_health_check_answers(client):
    assert client.get("/healthz").content.decode() == f"ok\nversion: {__version__}\n"


@pytest.mark.parametrize(("language", "word"), [("en", "Version"), ("id", "Versi")])
def test_footer_shows_the_version(language, word, client, editor, login_as):
    assert f"{word} {__version__}" in body(client.get(f"/{language}/"))
    assert f"{word} {__version__}" in body(login_as(editor).get(f"/{language}/admin/"))


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/en/no/such/", "Page not found"),
        ("/id/tidak/ada/", "Halaman tidak ditemukan"),
        ("/id/events/tidak-ada/", "Halaman tidak ditemukan"),
    ],
)
def test_unknown_path_gives_404_page_in_its_language(address, words, client):
    response = client.get(address)
    assert response.status_code == 404
    assert words in body(response)
    assert reverse("allies:country-list").split("/")[2] in body(response)


def test_untranslated_text_is_marked_with_its_language(client):
    factories.event(
        ("RUS", "host"), slug="only-english", title_en="Only in English", summary_en="Prose."
    )
    page = body(client.get("/id/events/only-english/"))
    assert '<span lang="en">Only in English</span>' in page
    assert 'lang="en"><p>Prose.</p>' in page


def test_text_from_editors_is_escaped(client):
    nasty = "<script>alert(1)</script><img src=x onerror=y> [x](javascript:alert(1)) **bold**"
    factories.event(
        ("RUS", "host"),
        slug="nasty",
        title_en=nasty,
        summary_en=nasty,
        place_en=nasty,
        attributed_to_en=nasty,
    )
    page = body(client.get("/en/events/nasty/"))
    assert "<script>alert" not in page
    assert "<img" not in page
    assert 'href="javascript' not in page
    assert "<strong>bold</strong>" in page


def test_language_links_keep_the_filter(client):
    page = body(client.get("/en/events/?kind=visit"))
    assert 'href="/id/events/?kind=visit"' in page


@pytest.mark.parametrize(
    "value", ["'", "%", "_", "\x00", "\\", "🙂", "a" * 5000, "' OR 1=1 --", "\u202e"]
)
def test_hostile_text_causes_no_error(value, client):
    for path in ("countries", "events", "alliances", "sources", "lists", "countries/russia/allies"):
        response = client.get(f"/en/{path}/", {"q": value})
        assert response.status_code in (200, 400)
    assert client.get("/en/events/", {"country": value}).status_code in (200, 400)
    assert client.get("/en/events/", {"page": value}).status_code == 404


@pytest.mark.slow
def test_draft_and_missing_record_get_the_same_response(secrets, client):
    """The status, text, headers and database queries must be equal.

    So neither content nor timing reveals that a draft exists.
    """

    def asked(record, key, slug):
        setattr(record, key, slug)
        about = [name for name in page_urls.names() if _is_about(name, record)]
        for name in about:
            for address in [one for one in page_urls.of(name, [record]) if slug in one]:
                with CaptureQueriesContext(connection) as queries:
                    response = client.get(address)
                    text = body(response)
                told = {name: value for name, value in response.items() if name != "Content-Length"}
                yield (
                    name,
                    response.status_code,
                    text.replace(slug, "…"),
                    told,
                    # A slug may also be a data-set ID, so values in quotes are left out.
                    [re.sub(r"'[^']*'", "…", query["sql"]) for query in queries],
                )

    seen = 0
    for record in secrets:
        key = "key" if isinstance(record, Source) else "slug"
        slug = getattr(record, key)
        nothing = re.sub(r"[^-]", "q", slug)
        there = list(asked(record, key, slug))
        assert there == list(asked(record, key, nothing))
        assert {status for _name, status, *_rest in there} == {404}
        seen += len(there)
    assert seen > 50


def _is_about(name, record):
    return name.split("-")[0] == record._meta.model_name
