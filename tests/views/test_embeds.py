"""Embeds: which pages may be framed, the embed codes, and oEmbed responses."""

import gzip
import json
import re
from html import unescape
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from django.utils.translation import override

from allies.models import AllyList, Edition, Status
from allies.web.embeds import EMBEDS, PAGES
from tests import factories
from tests.test_roles import address, patterns
from tests.views import page_urls
from tests.views.page_urls import body

pytestmark = pytest.mark.usefixtures("demo_data")

HOST = "http://testserver"


def embeds():
    """Return one URL of every embed, in both languages."""
    names = [name for name in page_urls.names() if name.endswith("-embed")]
    assert sorted(PAGES) == names
    found = []
    for language in ("en", "id"):
        with override(language):
            for name in names:
                country = [factories.country("RUS")] if name.startswith("country") else None
                found += page_urls.of(name, country)[:1]
    return found


def may_be_framed(response):
    policy = response["Content-Security-Policy"]
    by_policy = re.search(r"frame-ancestors ([^;]+)", policy)[1]
    assert (by_policy == "*") == ("X-Frame-Options" not in response)
    return by_policy == "*"


@pytest.mark.slow
@pytest.mark.sqlite_only
def test_embeds_may_be_framed_and_are_small_and_complete(client):
    for where in embeds():
        response = client.get(where)
        page = body(response)
        assert response.status_code == 200, where
        assert may_be_framed(response), where
        assert '<base target="_top">' in page
        assert '<meta name="robots" content="noindex">' in page
        canonical = re.search(r'<link rel="canonical" href="([^"]+)">', page)[1]
        assert client.get(canonical.removeprefix(HOST)).status_code == 200
        assert "site-nav" not in page
        sent = len(gzip.compress(page.encode()))
        assert sent < 8_000 or "/map/" in where, (where, sent)
        assert "independent source" in page or "sumber independen" in page
        assert "CC-BY-4.0" in page
        assert not response.cookies
        assert re.search(r"default-src 'self'", response["Content-Security-Policy"])


@pytest.mark.slow
@pytest.mark.sqlite_only
def test_other_pages_may_not_be_framed(client, reviewer, login_as):
    seen = 0
    for name, route in patterns().items():
        if name.endswith("-embed") or "preview" in name:
            continue
        for signed in (client, login_as(reviewer)):
            response = signed.get(address(route))
            if "Content-Security-Policy" in response:
                assert not may_be_framed(response), name
                assert response["X-Frame-Options"] == "DENY", name
                seen += 1
    assert seen > 100


@pytest.mark.parametrize("query", ["", "region=142", "kind=defence-pact&on=2020-01-01", "q=korut"])
def test_embed_shows_the_same_rows_as_its_page(query, client):
    factories.alliance("RUS", "IND", title_en="Pact A")
    rows = client.get(f"/en/countries/russia/allies/?{query}").context["rows"]
    for embed in ("allies/", "allies/map/"):
        framed = client.get(f"/en/embed/countries/russia/{embed}?{query}").context["rows"]
        assert [row.country for row in framed] == [row.country for row in rows]


def test_embed_leads_to_its_page(client):
    page = body(client.get("/en/embed/countries/russia/allies/?kind=defence-pact"))
    assert 'href="/en/countries/russia/allies/?kind=defence-pact"' in page


def test_embed_footer_shows_day_and_number_of_sources(few_ties, client):
    source = factories.source()
    pact = factories.alliance("RUS", "IND", cited=False, in_force="1990")
    factories.cite(pact, source)
    factories.cite(factories.alliance("RUS", "NZL", cited=False, in_force="1990"), source)
    factories.cite(pact, factories.source(derived_from=source))
    page = body(client.get("/en/embed/countries/russia/allies/?kind=defence-pact&on=2020-01-01"))
    foot = re.sub(r"<[^>]+>", "", page.split("<footer>")[1])
    assert "as of 1 January 2020, 1 independent source, CC-BY-4.0" in foot


def test_embed_of_draft_or_invalid_filter_shows_framed_error(client):
    hidden = factories.ally_list("RUS", "CHN", status=Status.DRAFT, title_en="Zanzabarra")
    for where, status in (
        (f"/en/embed/lists/{hidden.slug}/", 404),
        ("/id/embed/countries/nowhere/allies/", 404),
        ("/en/embed/countries/russia/allies/?kind=friendship", 400),
        ("/en/embed/countries/russia/timeline/?on=soon", 400),
    ):
        response = client.get(where)
        assert response.status_code == status
        assert may_be_framed(response)
        assert "Zanzabarra" not in body(response)
        assert "<h1>" in body(response)


def test_embed_of_retracted_edition_gives_410(client):
    edition = Edition.objects.published().first()
    Edition.objects.filter(pk=edition.pk).update(retracted_at=edition.made_at, retraction="Wrong.")
    response = client.get(f"/en/embed/editions/{edition.key}/")
    assert response.status_code == 410
    assert may_be_framed(response)


def test_embed_at_old_slug_redirects(client):
    ally_list = AllyList.objects.get(slug="russia-allies-in-asia")
    ally_list.slug = "renamed"
    ally_list.save()
    response = client.get("/en/embed/lists/russia-allies-in-asia/")
    assert (response.status_code, response.url) == (301, "/en/embed/lists/renamed/")


def codes(page):
    return [unescape(text) for text in re.findall(r"<textarea[^>]*readonly[^>]*>([^<]+)<", page)]


def test_pages_offer_embed_code_of_the_same_view(client):
    for where, embedded in (
        (
            "/id/countries/russia/allies/?region=142",
            "/id/embed/countries/russia/allies/?region=142",
        ),
        ("/en/lists/russia-allies-in-asia/", "/en/embed/lists/russia-allies-in-asia/"),
    ):
        first, *_others = codes(body(client.get(where)))
        assert f'src="{HOST}{embedded}"' in first
        assert f'<script src="{HOST}/static/js/embed.js" async></script>' in first
        assert re.search(r'title="[^"]+"', first)
    edition = Edition.objects.published().first()
    for where in ("/en/lists/russia-allies-in-asia/", edition.get_absolute_url()):
        assert any("/embed/editions/" in code for code in codes(body(client.get(where))))


def oembed(visitor, url, **more):
    return visitor.get(f"/oembed?{urlencode({'url': url, **more})}")


@pytest.mark.parametrize(
    "where",
    [
        "/en/lists/russia-allies-in-asia/",
        "/id/countries/russia/allies/?region=142",
        "/en/countries/russia/allies/map/",
        "/en/countries/russia/",
        "an edition",
    ],
)
def test_oembed_link_of_page_leads_to_its_embed(where, client):
    if where == "an edition":
        where = Edition.objects.published().first().get_absolute_url()
    page = body(client.get(where))
    found = re.search(r'type="application/json\+oembed" href="([^"]+)"', page)[1]
    answer = json.loads(client.get(unescape(found).removeprefix(HOST)).content)
    assert answer["version"] == "1.0"
    assert answer["type"] == "rich"
    framed = re.search(r'src="([^"]+)"', answer["html"])[1]
    assert client.get(unescape(framed).removeprefix(HOST)).status_code == 200
    assert answer["title"]


def test_only_pages_with_an_embed_have_an_oembed_link(client):
    assert "+oembed" not in body(client.get("/en/events/"))
    assert len(EMBEDS) == 6


def test_oembed_respects_the_requested_size(client):
    url = f"{HOST}/en/lists/russia-allies-in-asia/"
    answer = json.loads(oembed(client, url, maxwidth=340, maxheight=200).content)
    assert (answer["width"], answer["height"]) == (340, 200)
    assert 'width="340" height="200"' in answer["html"]
    for bad in ("-1", "0", "x", "٣", "9" * 400):
        assert oembed(client, url, maxwidth=bad).status_code == 400


def test_oembed_supports_xml_and_refuses_other_formats(client):
    url = f"{HOST}/id/lists/russia-allies-in-asia/"
    response = oembed(client, url, format="xml")
    assert response["Content-Type"] == "text/xml; charset=utf-8"
    root = ElementTree.fromstring(response.content)
    assert root.findtext("title") == "Sekutu Rusia di Asia"
    assert oembed(client, url, format="yaml").status_code == 501
    assert client.get("/oembed").status_code == 400


@pytest.mark.parametrize(
    "url",
    [
        f"{HOST}/en/events/",
        f"{HOST}/en/lists/nowhere/",
        f"{HOST}/en/admin/",
        f"{HOST}/",
        "http://elsewhere.example/en/lists/russia-allies-in-asia/",
        "http://[",
        "javascript:alert(1)",
        "\x00",
        "x" * 5000,
    ],
)
def test_oembed_gives_404_for_pages_without_embed(url, client):
    assert oembed(client, url).status_code == 404


def test_oembed_hides_drafts_and_follows_renames(client):
    hidden = factories.ally_list("RUS", "CHN", status=Status.DRAFT, slug="hidden")
    assert oembed(client, f"{HOST}/en/lists/{hidden.slug}/").status_code == 404
    shown = factories.ally_list("RUS", "CHN", slug="old-name")
    shown.slug = "new-name"
    shown.save()
    answer = json.loads(oembed(client, f"{HOST}/en/lists/old-name/").content)
    assert "/en/embed/lists/new-name/" in answer["html"]


def test_embed_code_escapes_hostile_title(client):
    nasty = '"><script>alert(1)</script>'
    shown = factories.ally_list("RUS", "CHN", slug="nasty", title_en=nasty)
    page = body(client.get(shown.get_absolute_url()))
    assert "<script>alert" not in page
    assert all("<script>alert" not in code for code in codes(page))
    answer = json.loads(oembed(client, f"{HOST}/en/lists/nasty/").content)
    assert "<script>alert" not in answer["html"]
    assert "<script>alert" not in body(client.get("/en/embed/lists/nasty/"))
