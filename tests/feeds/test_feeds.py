"""Feeds: every filtered view as valid Atom, with its public changes and nothing else."""

import re
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from allies.models import Alliance, Event, Status
from allies.page_cache.store import page_store
from tests import factories
from tests.views.test_corrections import corrected

pytestmark = pytest.mark.usefixtures("demo_data")

ATOM = "{http://www.w3.org/2005/Atom}"
DELETED = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")

FEEDS = [
    f"/{language}/{view}.atom"
    for language in ("en", "id")
    for view in (
        "lists",
        "lists/russia-allies-in-asia",
        "countries",
        "countries/russia/allies",
        "countries/russia/allies/changes",
        "alliances",
        "events",
        "sources",
        "changes",
        "countries/russia/lists",
    )
] + ["/en/search.atom?q=korea", "/id/search.atom?q=rusia"]


def feed(visitor, address):
    response = visitor.get(address)
    assert response.status_code == 200, address
    return ElementTree.fromstring(response.content)


def entries(visitor, address):
    """Return {title: [sort, URL, text]} of a feed's entries."""
    return {
        entry.findtext(f"{ATOM}title"): [
            entry.find(f"{ATOM}category").get("term"),
            entry.find(f"{ATOM}link").get("href").removeprefix("http://testserver"),
            entry.findtext(f"{ATOM}summary"),
        ]
        for entry in feed(visitor, address).iter(f"{ATOM}entry")
    }


def withdraw(record):
    record.status = Status.WITHDRAWN
    record.save()


def is_valid(root, address):
    """Assert that a feed and its entries meet RFC 4287."""
    assert root.tag == f"{ATOM}feed"
    for element in (root, *root.iter(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"{ATOM}{name}")) == 1, (address, name)
            assert element.findtext(f"{ATOM}{name}"), (address, name)
        assert element.find(f"{ATOM}link[@rel='alternate']").get("href").startswith("http")
    assert root.findtext(f"{ATOM}author/{ATOM}name")
    assert root.find(f"{ATOM}link[@rel='self']").get("href") == f"http://testserver{address}"
    ids = [element.text for element in root.iter(f"{ATOM}id")]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"tag:[\w.-]+,\d{4}-\d\d-\d\d:\S+", one) for one in ids[1:])
    dates = [e.text for name in ("updated", "published") for e in root.iter(f"{ATOM}{name}")]
    dates += [e.get("when") for e in root.iter(DELETED)]
    assert all(RFC_3339.fullmatch(date) for date in dates)
    updated = [e.findtext(f"{ATOM}updated") for e in root.iter(f"{ATOM}entry")]
    assert updated == sorted(updated, reverse=True)
    assert root.findtext(f"{ATOM}updated") == max(
        [*updated, *dates[len(dates) :]], default=dates[0]
    )


@pytest.mark.parametrize("address", FEEDS)
def test_every_listing_is_a_valid_feed_in_its_language(address, client):
    for record in (factories.event(("RUS", "host")), factories.alliance("RUS", "NZL")):
        withdraw(record)
    corrected(Event.objects.get(slug="unga-es-11-1"), title_en="Corrected")
    root = feed(client, address)
    is_valid(root, address)
    assert root.get("{http://www.w3.org/XML/1998/namespace}lang") == address[1:3]
    assert root.find(f"{ATOM}entry") is not None
    assert client.get(address)["Content-Type"] == "application/atom+xml; charset=utf-8"


def test_empty_feed_is_valid(client):
    address = "/en/events.atom?q=nothing+is+called+that"
    root = feed(client, address)
    is_valid(root, address)
    assert root.find(f"{ATOM}entry") is None


def test_feed_shows_publication_and_later_changes(client):
    event = factories.event(("RUS", "host"), slug="visit", title_en="A visit", status=Status.DRAFT)
    event.place_en = "Secret place"
    event.save()
    assert "A visit" not in entries(client, "/en/events.atom")
    event.status = Status.PUBLISHED
    event.save()
    assert entries(client, "/en/events.atom")["A visit"][:2] == ["added", "/en/events/visit/"]
    event.place_en = "Moscow"
    event.save()
    event.participations.create(country=factories.country("IND"), role="visitor")
    sort, _address, text = entries(client, "/en/events.atom")["A visit"]
    assert sort == "changed"
    assert "from Secret place to Moscow" in text
    assert "Added: Participation" in text
    first = next(feed(client, "/en/events.atom").iter(f"{ATOM}entry"))
    assert first.findtext(f"{ATOM}title") == "A visit"
    assert first.findtext(f"{ATOM}published") < first.findtext(f"{ATOM}updated")


def test_entry_describes_its_record(client):
    factories.event(
        ("RUS", "host"),
        title_en="A visit",
        kind="visit",
        date="2024-06-19",
        summary_en="They **met** on 19 June in Pyongyang [@hidden]. And parted.",
        summary_ind="Mereka bertemu di Pyongyang.",
    )
    _sort, _address, text = entries(client, "/en/events.atom")["A visit"]
    assert "visit · 19 June 2024" in text
    assert "They met on 19 June in Pyongyang" in text
    assert "hidden" not in text
    assert "And parted" not in text
    indonesian = next(iter(entries(client, "/id/events.atom").values()))[2]
    assert "kunjungan · 19 Juni 2024" in indonesian
    assert "Mereka bertemu di Pyongyang." in indonesian


def test_draft_citation_does_not_change_updated_date(client):
    event = factories.event(("RUS", "host"), title_en="A visit")
    before = feed(client, "/en/events.atom").findtext(f"{ATOM}updated")
    factories.cite(event, factories.source(status=Status.DRAFT, title="Hidden"), note_en="Hidden")
    assert feed(client, "/en/events.atom").findtext(f"{ATOM}updated") == before


@pytest.mark.parametrize("address", ["/en/events.atom", "/en/countries/russia/allies.atom"])
def test_draft_citation_does_not_move_entries(address, client):
    order = [*entries(client, address)]
    last = Event.objects.published().order_by("updated_at").first()
    for record in (last, *Alliance.objects.published()[:2]):
        factories.cite(record, factories.source(status=Status.DRAFT))
    assert [*entries(client, address)] == order


def test_entry_id_stays_if_record_is_renamed(client):
    event = factories.event(("RUS", "host"), slug="old", title_en="One")
    ids = {e.text for e in feed(client, "/en/events.atom").iter(f"{ATOM}id")}
    event.slug, event.title_en = "new", "Two"
    event.save()
    assert {e.text for e in feed(client, "/en/events.atom").iter(f"{ATOM}id")} == ids


def test_correction_is_in_feeds_that_have_its_record(client):
    event = factories.event(("RUS", "host"), kind="summit", title_en="A visit", place_en="Moscow")
    corrected(event, answer="It was elsewhere.", place_en="Kazan")
    sort, _address, text = entries(client, "/en/events.atom?kind=summit")["Corrected: A visit"]
    assert sort == "corrected"
    assert "It was elsewhere." in text
    assert "from Moscow to Kazan" in text
    assert "Corrected: A visit" not in entries(client, "/en/events.atom?kind=visit")


def gone(visitor, address):
    """Return (number of tombstones, titles of entries about withdrawals)."""
    told = [title for title, (sort, *_) in entries(visitor, address).items() if sort == "withdrawn"]
    return len(list(feed(visitor, address).iter(DELETED))), told


def test_withdrawn_record_leaves_tombstone_in_its_feeds(client):
    event = factories.event(("RUS", "host"), kind="summit", slug="gone", title_en="Zanzabarra")
    known = {e.text for e in feed(client, "/en/events.atom").iter(f"{ATOM}id")}
    withdraw(event)
    told = (1, ["Withdrawn: /en/events/gone/"])
    assert gone(client, "/en/events.atom") == told
    assert gone(client, "/en/events.atom?kind=summit") == told
    assert gone(client, "/en/events.atom?q=zanzabarra") == (0, [])
    assert gone(client, "/en/events.atom?kind=visit") == (0, [])
    assert "Zanzabarra" not in client.get("/en/events.atom").content.decode()
    assert next(feed(client, "/en/events.atom").iter(DELETED)).get("ref") in known


def test_record_edited_after_withdrawal_is_only_in_unfiltered_feed(client):
    event = factories.event(("RUS", "host"), kind="visit", slug="gone")
    withdraw(event)
    event.kind = "summit"
    event.save()
    assert gone(client, "/en/events.atom?kind=summit") == (0, [])
    assert gone(client, "/en/events.atom?kind=visit") == (0, [])
    assert gone(client, "/en/events.atom")[0] == 1


def test_republished_record_has_no_tombstone(client):
    event = factories.event(("RUS", "host"))
    withdraw(event)
    event.status = Status.PUBLISHED
    event.save()
    assert gone(client, "/en/events.atom") == (0, [])


def test_never_public_record_has_no_tombstone(client):
    hidden = factories.event(("RUS", "host"), cited=False)
    factories.cite(hidden, factories.source(status=Status.DRAFT))
    for record in (hidden, factories.event(("RUS", "host"), status=Status.DRAFT)):
        withdraw(record)
    assert gone(client, "/en/events.atom") == (0, [])


def test_ally_changes_and_leaves_with_its_alliances(few_ties, client):
    pact = factories.alliance("RUS", "NZL", kind="defence-pact", title_en="The pact")
    address = "/en/countries/russia/allies.atom"
    assert entries(client, address)["New Zealand"][0] == "added"
    factories.cite(pact, factories.source(publisher="The Herald"))
    sort, _address, text = entries(client, address)["New Zealand"]
    assert sort == "changed"
    assert "The Herald" in text
    withdraw(pact)
    told = (1, ["No longer on the list: New Zealand"])
    assert gone(client, address) == told
    assert gone(client, f"{address}?region=009&kind=defence-pact") == told
    assert gone(client, f"{address}?region=142") == (0, [])
    factories.alliance("RUS", "NZL")
    assert gone(client, address) == (0, [])


def test_list_feed_has_changed_and_removed_entries(client):
    ally_list = factories.ally_list("RUS", "CHN", "IND", slug="mine")
    china, india = ally_list.entries.order_by("position")
    china.prose_en = "Now with prose"
    china.save()
    told = entries(client, "/en/lists/mine.atom")
    assert (told["China"][0], told["India"][0]) == ("changed", "added")
    assert told["China"][1] == "/en/lists/mine/#china"
    india.delete()
    assert gone(client, "/en/lists/mine.atom") == (1, ["No longer on the list: India"])
    assert gone(client, "/en/lists/mine.atom?q=china") == (0, [])


def test_list_feed_hides_changes_before_publication(client):
    ally_list = factories.ally_list("RUS", "CHN", slug="mine", status=Status.DRAFT)
    entry = ally_list.entries.get()
    entry.prose_en = "First draft"
    entry.save()
    entry.prose_en = "What is published"
    entry.save()
    ally_list.status = Status.PUBLISHED
    ally_list.save()
    assert "First draft" not in client.get("/en/lists/mine.atom").content.decode()


def test_titles_are_escaped_and_control_characters_dropped(client):
    factories.event(
        ("RUS", "host"), title_en="<b>&amp;\x01\x0b\ud7ff bold</b>]]>", place_en="\x1b<i>"
    )
    root = feed(client, "/en/events.atom?q=bold")
    assert root.findtext(f"{ATOM}entry/{ATOM}title") == "<b>&amp;\ud7ff bold</b>]]>"


def test_markup_in_changed_text_is_escaped_in_summary(client):
    event = factories.event(("RUS", "host"), title_en="A visit", summary_en="Plain")
    event.summary_en = "<script>alert(1)</script>"
    event.save()
    text = entries(client, "/en/events.atom")["A visit"][2]
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_unchanged_feed_gives_304_without_queries(client):
    address = "/en/events.atom?kind=visit"
    first = client.get(address)
    again = client.get(address, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    since = client.get(address, headers={"If-Modified-Since": first["Last-Modified"]})
    assert since.status_code == 304
    with CaptureQueriesContext(connection) as cheap:
        client.get(address, headers={"If-None-Match": first["ETag"]})
    assert not cheap
    factories.event(("RUS", "host"), kind="visit")
    assert client.get(address, headers={"If-None-Match": first["ETag"]}).status_code == 200
    assert client.get("/id/events.atom?kind=visit")["ETag"] != first["ETag"]


def test_unchanged_changeset_feed_gives_304(client):
    first = client.get("/en/changes.atom")
    again = client.get("/en/changes.atom", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304


def test_feed_links_to_hub_if_configured(client, settings):
    address = "/en/events.atom?kind=visit"
    own = f'<http://testserver{address}>; rel="self"'
    assert client.get(address)["Link"] == own
    settings.WEBSUB_HUB = "https://hub.example/"
    page_store.clear()  # a changed setting does not invalidate cached pages
    assert client.get(address)["Link"] == f'{own}, <https://hub.example/>; rel="hub"'
    hub = feed(client, address).find(f"{ATOM}link[@rel='hub']")
    assert hub.get("href") == "https://hub.example/"


def test_unknown_filters_are_refused_and_tracking_is_dropped(client):
    assert client.get("/en/events.atom?colour=red").status_code == 400
    assert client.get("/en/events.atom?kind=friendship").status_code == 400
    tracked = feed(client, "/en/events.atom?kind=visit&utm_source=x")
    assert tracked.find(f"{ATOM}link[@rel='self']").get("href").endswith("?kind=visit")


def test_page_links_to_feed_with_the_same_filter(client):
    page = client.get("/id/events/?kind=visit").content.decode()
    head, body = page.split("</head>")
    found = re.search(r'<link rel="alternate" type="application/atom\+xml"[^>]*>', head)
    assert 'href="/id/events.atom?kind=visit"' in found[0]
    assert 'href="/id/events.atom?kind=visit"' in body
    assert (
        "/en/lists/russia-allies-in-asia.atom"
        in (client.get("/en/lists/russia-allies-in-asia/").content.decode().split("</head>")[0])
    )


def test_feed_has_fifty_entries_and_constant_query_count(client):
    def cost():
        page_store.clear()
        with CaptureQueriesContext(connection) as queries:
            client.get("/en/events.atom?kind=statement")
        return len(queries)

    factories.event(("RUS", "host"), kind="statement")
    cost()
    before = cost()
    for _n in range(60):
        factories.event(("RUS", "host"), kind="statement")
    assert cost() == before
    assert len(list(feed(client, "/en/events.atom?kind=statement").iter(f"{ATOM}entry"))) == 50


def test_dates_are_in_the_sites_time_zone(client):
    event = factories.event(("RUS", "host"), title_en="Just now")
    day = timezone.localtime(event.created_at)
    assert f"{day.day} {day:%B} {day.year}" in entries(client, "/en/events.atom")["Just now"][2]
