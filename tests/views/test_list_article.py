"""A list as an article: byline, dates, verdict, links to share it, and how to cite it."""

import datetime as dt
import json
import re
from xml.etree import ElementTree

import pytest
from django.utils import timezone

from allies.evidence.verdict import list_verdict
from allies.models import Alliance, AllyList, Citation, Edition, Entry, Status
from tests import factories
from tests.views.page_urls import body
from tests.views.test_page_meta import data_of, meta

pytestmark = pytest.mark.usefixtures("demo_data")

ATOM = "{http://www.w3.org/2005/Atom}"


def written_on(record, *days):
    """Move the versions of a record to these days, the oldest version first."""
    versions = record.history.order_by("history_id")
    for version, day in zip(versions, days, strict=True):
        moment = timezone.make_aware(dt.datetime.fromisoformat(day))
        type(version).objects.filter(pk=version.pk).update(history_date=moment)


@pytest.fixture
def article():
    """Return a list that was a draft on 1 March, published on 2 March and changed on 5 May."""
    made = factories.ally_list(
        "RUS", "CHN", "IND", title_en="Who stands by Russia", status=Status.DRAFT, slug="mine"
    )
    made.status = Status.PUBLISHED
    made.byline = "Dana Putri and Budi Santoso"
    made.save()
    made.intro_en = "A new beginning."
    made.save()
    written_on(made, "2024-03-01", "2024-03-02", "2024-05-05T23:30")
    for part in (*made.entries.all(), *Citation.objects.filter(entry__ally_list=made)):
        written_on(part, "2024-03-01")
    return made


class TestPage:
    def test_page_names_authors_and_both_dates(self, article, client):
        page = body(client.get("/en/lists/mine/"))
        said = " ".join(re.sub(r"<[^>]+>", " ", page.split("byline")[1].split("</p>")[0]).split())
        assert said.endswith(
            "By Dana Putri and Budi Santoso Published 2 March 2024 Updated 5 May 2024"
        )
        assert "Oleh Dana Putri and Budi Santoso" in body(client.get("/id/lists/mine/"))

    def test_list_that_never_changed_has_one_date(self, article, client):
        written_on(article, "2024-03-01", "2024-03-02", "2024-03-02")
        assert "Updated" not in body(client.get("/en/lists/mine/"))

    def test_changed_entry_counts_and_hidden_source_does_not(self, article, client):
        entry = article.entries.first()
        entry.prose_en = "More about it."
        entry.save()
        written_on(entry, "2024-03-01", "2024-06-06")
        assert "6 June 2024" in body(client.get("/en/lists/mine/"))
        hidden = factories.cite(entry, factories.source(status=Status.DRAFT))
        written_on(hidden, "2024-07-07")
        assert "6 June 2024" in body(client.get("/en/lists/mine/"))

    def test_list_of_another_publisher_was_recorded_here(self, client):
        page = body(client.get("/en/lists/inews-4-negara-sahabat-rusia/"))
        assert "Recorded here" in page.split("<main")[1]

    def test_page_links_to_services_that_share_it(self, article, client):
        page = body(client.get("/en/lists/mine/?on=2020-01-01"))
        links = page.split('class="meta share"')[1].split("</p>")[0]
        address = "http%3A%2F%2Ftestserver%2Fen%2Flists%2Fmine%2F%3Fon%3D2020-01-01"
        assert links.count(address) == links.count("href=") == 5
        assert links.count('rel="noopener nofollow external"') == 5
        assert "Who%20stands%20by%20Russia" in links
        assert "<script" not in links

    def test_metadata_describe_an_article(self, article, client):
        page = body(client.get("/en/lists/mine/"))
        about = data_of(page)["mainEntity"]
        assert about["@type"] == ["Article", "Dataset"]
        assert [one["name"] for one in about["author"]] == ["Dana Putri", "Budi Santoso"]
        assert about["datePublished"].startswith("2024-03-01T17:00")  # in UTC
        assert about["dateModified"] == data_of(page)["dateModified"]
        assert about["abstract"] in body(client.get("/en/lists/mine/"))
        assert meta(page, "og:type") == "article"
        assert meta(page, "article:modified_time").startswith("2024-05-05T23:30")
        assert meta(body(client.get("/en/countries/russia/")), "og:type") == "website"

    def test_list_without_byline_is_by_the_site(self, client):
        page = body(client.get("/en/lists/russia-allies-in-asia/"))
        assert data_of(page)["mainEntity"]["author"]["name"] == "Allies"
        assert 'class="author"' not in page


class TestVerdict:
    def verdict(self, promised, *disputed):
        entries = [
            Entry(country=factories.country(code))
            for code in ("CHN", "PRK", "IRN", "IND", "VNM")[: len(disputed)]
        ]
        for entry, number in zip(entries, disputed, strict=True):
            entry.disputes = number
        return list_verdict(AllyList(promised=promised), entries)

    @pytest.mark.parametrize(
        ("promised", "disputed", "said"),
        [
            (4, (0, 0, 0), "The headline says four; we could verify three, none of them disputed."),
            (
                2,
                (0, 1),
                "The headline says two, and we could verify all of them, "
                "one of them disputed (North Korea).",
            ),
            (1, (2,), "The headline says one, and we could verify it, which is disputed."),
            (1, (), "The headline says one; we could not verify any."),
            (None, (0,), "One ally, with at least one source, which is not disputed."),
            (
                None,
                (1, 0, 2),
                "Three allies, each with at least one source, "
                "two of them disputed (China and Iran).",
            ),
            (
                None,
                (1, 1, 1, 1, 0),
                "Five allies, each with at least one source, four of them disputed.",
            ),
        ],
    )
    def test_verdict_counts_verified_and_disputed_allies(self, promised, disputed, said):
        assert self.verdict(promised, *disputed) == said

    def test_page_shows_the_verdict_in_both_languages(self, client):
        said = "we could verify three, none of them disputed."
        assert said in body(client.get("/en/lists/russia-allies-in-asia/"))
        page = body(client.get("/id/lists/russia-allies-in-asia/"))
        assert "3 dapat kami pastikan, tidak satu pun dipersoalkan." in page


class TestFeeds:
    def test_feed_of_a_list_names_its_authors_and_verdict(self, article, client):
        feed = ElementTree.fromstring(body(client.get("/en/lists/mine.atom")))
        assert feed.findtext(f"{ATOM}author/{ATOM}name") == "Dana Putri and Budi Santoso"
        assert feed.findtext(f"{ATOM}subtitle").startswith("Two allies, each with")

    def test_feed_of_lists_names_authors_verdict_and_dates_of_each(self, article, client):
        feed = ElementTree.fromstring(body(client.get("/en/lists.atom")))
        (entry,) = (
            entry
            for entry in feed.iter(f"{ATOM}entry")
            if entry.findtext(f"{ATOM}title") == "Who stands by Russia"
        )
        assert entry.findtext(f"{ATOM}author/{ATOM}name") == "Dana Putri and Budi Santoso"
        assert "Two allies, each with" in entry.findtext(f"{ATOM}summary")
        assert entry.findtext(f"{ATOM}published").startswith("2024-03-01T17:00")
        assert entry.findtext(f"{ATOM}updated").startswith("2024-05-05T16:30")


class TestCitations:
    def csl(self, visitor, page):
        return json.loads(body(visitor.get(f"/en/{page}/cite.csl.json")))[0]

    def test_list_is_cited_with_its_authors_and_its_last_change(self, article, client):
        item = self.csl(client, "lists/mine")
        assert item["author"] == [{"literal": "Dana Putri and Budi Santoso"}]
        assert item["container-title"] == "Allies"
        assert item["issued"] == {"date-parts": [[2024, 5, 5]]}
        assert "(2024, May 5)" in body(client.get("/en/lists/mine/"))

    def test_alliance_is_cited_with_the_last_change_of_its_parts(self, client):
        made = factories.alliance("RUS", "CHN", slug="pact")
        written_on(made, "2024-03-01")
        for part in (*made.memberships.all(), *made.citations.all()):
            written_on(part, "2024-04-04")
        assert self.csl(client, "alliances/pact")["issued"] == {"date-parts": [[2024, 4, 4]]}

    def test_pair_is_cited_with_the_last_change_of_what_it_shows(self, client):
        made = factories.alliance("FJI", "TON")
        moment = timezone.make_aware(dt.datetime(2024, 4, 4))
        Alliance.objects.filter(pk=made.pk).update(updated_at=moment)
        for page in ("ties/fiji/tonga", "countries/tonga/allies"):
            assert self.csl(client, page)["issued"] == {"date-parts": [[2024, 4, 4]]}, page

    @pytest.mark.parametrize(
        "page",
        [
            "lists/russia-allies-in-asia",
            "countries/russia/allies",
            "countries/tuvalu/allies",
            "ties/china/russia",
            "ties/lesotho/tuvalu",
            "alliances/north-korea-russia-comprehensive-strategic-partnership",
            "events/unga-es-11-1",
            "editions/russia-allies-in-asia-1",
        ],
    )
    @pytest.mark.parametrize("language", ["en", "id"])
    def test_no_page_of_this_site_is_cited_without_a_date(self, page, language, client):
        text = body(client.get(f"/{language}/{page}/"))
        references = text.split('<details class="cite">')[1]
        assert str(timezone.localdate().year) in references.split("BibTeX")[0]
        assert "n.d." not in references and "t.t." not in references


class TestEditions:
    def test_edition_keeps_the_byline(self, article, reviewer, client):
        from allies.actions.editions import create_edition_if_new

        edition = create_edition_if_new(ally_list=article, user=reviewer)
        article.byline = "Somebody Else"
        article.save()
        page = body(client.get(f"/en/editions/{edition.key}/"))
        assert "By Dana Putri and Budi Santoso" in page
        assert "Somebody Else" not in page

    def test_list_without_byline_needs_no_new_edition(self, reviewer):
        content = Edition.objects.get(key="russia-allies-in-asia-1").data["list"]
        assert "byline" not in content
