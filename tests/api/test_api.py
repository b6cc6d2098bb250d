"""The API: the rows of the pages, pagination, errors, CORS and ETags."""

import csv
import io
import json

import pytest
from django.urls import URLPattern, get_resolver

from allies.api.api import COLLECTIONS
from allies.models import Country, Event, Source, Status
from allies.views.embed import AlliesEmbed, MapEmbed
from allies.views.event import EventListing, EventYears
from allies.views.listing import Listing
from allies.views.map import AllyMapView
from tests import factories
from tests.views.page_urls import body

pytestmark = pytest.mark.usefixtures("demo_data")

BASE = "/api/v1"
#: First part of a path → a slug, for collections about one record.
ABOUT = {
    "countries": "russia",
    "alliances": "china-russia-no-limits-partnership",
    "ally-lists": "russia-allies-in-asia",
}


def address_of(template):
    asked = "?q=korea" if template == "/search" else ""
    path = template.replace("{slug}", ABOUT.get(template.split("/")[1], ""))
    return BASE + path.replace("{first}/{second}", "north-korea/russia") + asked


def everything(visitor, address, limit=500):
    """Return the rows of all pages."""
    rows, address = [], f"{address}{'&' if '?' in address else '?'}limit={limit}"
    while address:
        answer = visitor.get(address)
        assert answer.status_code == 200, (address, answer.content[:500])
        rows += answer.json()["items"]
        address = answer.json()["next"]
    return rows


def test_every_listing_of_the_site_is_a_collection():
    listings = {
        pattern.callback.view_class
        for pattern in get_resolver().namespace_dict["allies"][1].url_patterns
        if isinstance(pattern, URLPattern)
        and issubclass(getattr(pattern.callback, "view_class", object), Listing)
    }
    # The list of allies as a map or as an embed; the events of the API, without UN votes.
    others = {AllyMapView, AlliesEmbed, MapEmbed, EventListing, EventYears}
    assert listings - others <= {offered.listing for offered in COLLECTIONS.values()}


@pytest.mark.parametrize("template", COLLECTIONS)
def test_pagination_returns_every_row_once(template, client):
    whole = everything(client, address_of(template))
    assert whole or template in ("/countries/{slug}/votes-like", "/key-events", "/see-also")
    if len(whole) > 120:
        return  # too many pages to request; smaller collections are enough
    paged = everything(client, address_of(template), limit=2)
    assert paged == whole


@pytest.mark.parametrize("template", COLLECTIONS)
def test_search_in_every_collection(template, client):
    for text in ("a", "nothing has this name"):
        assert client.get(address_of(template), {"q": text}).status_code == 200


@pytest.mark.parametrize("template", COLLECTIONS)
def test_rows_have_lists_in_list_columns_only(template, client):
    listing = COLLECTIONS[template].listing
    for row in everything(client, address_of(template))[:300]:
        for column in listing.columns:
            assert isinstance(row[column.name], list) == column.many, column.name


@pytest.mark.parametrize(
    ("collection", "page"),
    [
        ("countries/russia/allies?on=2001-05-05&kind=defence-pact", None),
        ("countries/russia/allies?region=142", None),
        ("events?country=RUS&role=visitor", None),
        ("events?date_after=2024-01-01&certainty=reported", None),
        ("alliances?country=Korut", None),
        ("sources?derivation=derived", None),
        ("countries?q=korea", None),
        ("ally-lists?origin=recorded", "lists?origin=recorded"),
    ],
)
def test_api_and_csv_have_the_same_rows_for_a_filter(collection, page, client):
    path, _mark, query = (page or collection).partition("?")
    lines = list(csv.DictReader(io.StringIO(body(client.get(f"/en/{path}.csv?{query}")))))
    rows = everything(client, f"{BASE}/{collection}")
    first = next(iter(rows[0]))
    assert sorted(row[first] for row in rows) == sorted(line[first] for line in lines)
    assert rows


def test_pagination_is_stable_if_records_come_and_go(client):
    first = client.get(f"{BASE}/events?limit=3").json()
    gone = Event.objects.get(slug=first["items"][0]["event"])
    Event.objects.filter(pk=gone.pk).update(status=Status.WITHDRAWN)
    factories.event(("RUS", "host"), slug="brand-new")
    rest = everything(client, first["next"].split("?")[0] + "?cursor=" + first["next_cursor"])
    names = [row["event"] for row in rest]
    assert "brand-new" in names
    assert not set(names) & {row["event"] for row in first["items"]}
    assert len(names) + 3 == Event.objects.published().count() + 1


def test_drafts_are_in_no_collection_and_give_404(client):
    event = factories.event(
        ("RUS", "host"), ("CHN", "visitor"), status=Status.DRAFT, title_en="Zanzabarra"
    )
    factories.alliance("RUS", "CHN", status=Status.WITHDRAWN, title_en="Zanzabarra")
    listed = factories.ally_list("RUS", "CHN", status=Status.IN_REVIEW, title_en="Zanzabarra")
    hidden = factories.source(status=Status.DRAFT, title="Zanzabarra", key="zanzabarra")
    vote = Event.objects.get(slug="unga-es-11-1")
    factories.cite(vote, hidden, note_en="Zanzabarra")
    vote.summary_en = "So it is said [@zanzabarra, p. 9; @dw-2024-en]."
    vote.save()
    shown = factories.ally_list("RUS", "CHN", slug="shown", intro_en="So [@zanzabarra].")
    shown.entries.update(prose_en="So [@zanzabarra, p. 9].")
    factories.source(derived_from=hidden, key="derives")
    for template in COLLECTIONS:
        rows = json.dumps(everything(client, address_of(template)))
        assert "zanzabarra" not in rows.casefold(), template
        assert event.slug not in rows
    for told in ("events/unga-es-11-1", "ally-lists/shown"):
        assert b"anzabarra" not in client.get(f"{BASE}/{told}").content
    assert b"[@dw-2024-en]" in client.get(f"{BASE}/events/unga-es-11-1").content
    assert client.get(f"{BASE}/sources/derives").json()["derived_from"] == ""
    for gone in (f"events/{event.slug}", f"ally-lists/{listed.slug}", "sources/zanzabarra"):
        assert client.get(f"{BASE}/{gone}").status_code == 404


def test_record_has_its_parts_and_sources(client):
    event = client.get(f"{BASE}/events/unga-es-11-1").json()
    assert {"country": "ERI", "role": "against"} in event["participations"]
    stances = {one["source"]: one["stance"] for one in event["citations"]}
    assert stances == {"wp-es-11-1": "supports", "nation-2022": "disputes"}
    assert (event["independent_sources"], event["disputed"]) == (1, True)
    treaty = client.get(
        f"{BASE}/alliances/north-korea-russia-comprehensive-strategic-partnership"
    ).json()
    assert {part["country"] for part in treaty["memberships"]} == {"PRK", "RUS"}
    china = client.get(f"{BASE}/countries/china").json()
    assert {"name": "Tiongkok", "language": "id"} in china["aliases"]
    listed = client.get(f"{BASE}/ally-lists/russia-allies-in-asia").json()
    assert [entry["country"] for entry in listed["entries"]] == ["CHN", "PRK", "IRN"]
    assert listed["promised"] == 4
    copy = client.get(f"{BASE}/sources/bisnisupdate-2024").json()
    assert (copy["derived_from"], copy["origin"]) == ("dw-2024-en", "dw-2024-en")


def test_pair_has_one_url_and_its_ties(client):
    led = client.get(f"{BASE}/ties/russia/north-korea?on=2020-01-01")
    assert led["Location"] == f"{BASE}/ties/north-korea/russia?on=2020-01-01"
    ties = client.get(led["Location"]).json()["ties"]
    assert [(tie["kind"], tie["standing"]) for tie in ties] == [
        ("defence-pact", "later"),
        ("entente", "confirmed"),
    ]
    told = client.get(f"{BASE}/ties/north-korea/russia").json()
    assert everything(client, told["events"])
    assert client.get(told["votes"]).status_code == 200
    assert client.get(f"{BASE}/ties/russia/russia").status_code == 404


def test_old_slug_redirects_to_new_one(client):
    russia = Country.objects.get(alpha3="RUS")
    russia.slug = "russian-federation"
    russia.save()
    answer = client.get(f"{BASE}/countries/russia")
    assert (answer.status_code, answer["Location"]) == (
        301,
        f"{BASE}/countries/russian-federation",
    )
    answer = client.get(f"{BASE}/countries/russia/allies?kind=entente")
    assert answer["Location"] == f"{BASE}/countries/russian-federation/allies?kind=entente"


@pytest.mark.parametrize(
    ("query", "status", "name"),
    [
        ("events?country=Atlantis", 404, "country"),
        ("events?country=Korea", 409, "country"),
        ("events?kind=party", 422, "kind"),
        ("events?colour=red", 422, "colour"),
        ("events?date_after=2024-13-01", 422, "date_after"),
        ("events?limit=0", 422, "limit"),
        ("events?limit=many", 422, "limit"),
        ("events?cursor=%21", 422, "cursor"),
        ("events?q=%00", 422, "q"),
        ("changes?cursor=abc", 404, "cursor"),
        ("changes?colour=red", 422, "colour"),
        ("changes?cursor=MDAwMS0wMS0wMVQwMDowMDowMCsyMzo1OSBldmVudCAx", 404, "cursor"),
        ("changes?cursor=OTk5OS0xMi0zMVQyMzo1OTo1OS0yMzo1OSBldmVudCAx", 404, "cursor"),
        ("events/a%00b", 404, "address"),
        ("ties/a%00/russia", 404, "address"),
        ("nothing-here", 404, "address"),
        ("events/nothing-here", 404, "address"),
    ],
)
def test_invalid_request_gives_error_with_reason(query, status, name, client):
    if "Korea" in query:
        for code in ("PRK", "KOR"):
            factories.country(code).aliases.create(name="Korea", language="en")
    answer = client.get(f"{BASE}/{query}")
    assert answer.status_code == status
    assert answer.json()["errors"][name]


def test_search_with_many_words_works(client):
    words = "+".join("aeiounrstdlmcpgbvfhwkyjxqz")
    for parts in ("participations", "entries", "see-also"):
        assert client.get(f"{BASE}/{parts}?q={words}").json()["items"] == []
    found = client.get(f"{BASE}/participations?q=putin+korea&limit=3").json()["items"]
    assert {row["country"] for row in found} == {"PRK", "RUS"}


def test_errors_are_in_the_requested_language(client):
    said = client.get(f"{BASE}/events?country=Atlantis&lang=id").json()["errors"]["country"][0]
    assert "negara" in said


def test_unchanged_response_gives_304(client):
    first = client.get(f"{BASE}/sources?limit=5")
    again = client.get(f"{BASE}/sources?limit=5", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    Source.objects.filter(key=first.json()["items"][0]["source"]).update(title="Another")
    assert (
        client.get(f"{BASE}/sources?limit=5", headers={"If-None-Match": first["ETag"]}).status_code
        == 200
    )


def test_any_origin_may_read_and_none_may_write(client):
    answer = client.get(f"{BASE}/events", headers={"Origin": "https://elsewhere.example"})
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert not answer.cookies
    asked = client.options(f"{BASE}/events", headers={"Access-Control-Request-Method": "GET"})
    assert (asked.status_code, asked["Access-Control-Allow-Origin"]) == (204, "*")
    assert "POST" not in asked["Access-Control-Allow-Methods"]
    for method in ("post", "put", "patch", "delete"):
        refused = getattr(client, method)(f"{BASE}/events")
        assert refused.status_code == 405
        assert refused["Allow"]
    assert client.head(f"{BASE}/events").status_code == 200


@pytest.mark.slow
def test_changes_keep_a_copy_up_to_date(client):
    held, cursor = {}, ""

    def follow():
        nonlocal cursor
        while True:
            told = client.get(f"{BASE}/changes?limit=50&cursor={cursor}").json()
            for one in told["items"]:
                if one["what"] == "withdrawn":
                    held.pop(one["record"], None)
                else:
                    held[one["record"]] = client.get(one["record"]).json()
            if told["next_cursor"] == cursor:
                return
            cursor = told["next_cursor"]

    follow()
    assert any(address.endswith("/events/unga-es-11-1") for address in held)
    new = factories.event(("RUS", "host"), slug="brand-new")
    old = Event.objects.published().filter(kind="visit").earliest("pk")
    old.status = Status.WITHDRAWN
    old.save()
    changed = Event.objects.get(slug="unga-es-11-1")
    changed.title_en = "Another title"
    changed.save()
    follow()
    by_slug = {record.get("event"): record for record in held.values()}
    assert by_slug[new.slug]["title_en"] == new.title_en
    assert old.slug not in by_slug
    assert by_slug["unga-es-11-1"]["title_en"] == "Another title"


@pytest.mark.slow
def test_query_counts_are_constant_for_more_rows(client, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def count():
        found = {}
        for template in COLLECTIONS:
            with CaptureQueriesContext(connection) as queries:
                assert client.get(address_of(template)).status_code == 200
            # Without the queries for the content version, which are not the API's own.
            found[template] = len([q for q in queries if "contentchange" not in q["sql"]])
        return found

    before = count()
    for code in ("IDN", "MYS", "THA"):
        factories.alliance("RUS", code)
        factories.event(("RUS", "host"), (code, "visitor"))
        factories.ally_list("RUS", code, "CHN")
    assert count() == before
    assert max(before.values()) <= 10


def test_docs_page_lists_every_collection(client):
    for language in ("en", "id"):
        page = body(client.get(f"/{language}/api/"))
        for template in COLLECTIONS:
            assert f"GET {template}" in page
        assert "/api/v1/openapi.json" in page
