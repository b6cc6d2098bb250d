"""The form for two to four countries, and the comparison of three or four."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.views.page_urls import body

pytestmark = pytest.mark.usefixtures("demo_data")

PAGE = "/en/ties/"


class TestForm:
    @pytest.mark.parametrize(
        ("first", "second"),
        [("Russia", "China"), ("cn", "RUS"), ("Tiongkok", "Rusia"), ("365", "710")],
    )
    @pytest.mark.parametrize("language", ["en", "id"])
    def test_two_countries_lead_to_their_page(self, first, second, language, client):
        query = {"first": first, "second": second}
        response = client.get(f"/{language}/ties/", query)
        assert (response.status_code, response.url) == (302, f"/{language}/ties/china/russia/")

    @pytest.mark.parametrize(
        ("query", "error"),
        [
            ("first=Atlantis&second=China", "No country has this name."),
            ("first=China&second=Tiongkok", "You have already chosen this country."),
            ("first=China", "This field is required."),
        ],
    )
    def test_wrong_countries_are_explained_and_keep_the_others(self, query, error, client):
        response = client.get(f"{PAGE}?{query}")
        assert response.status_code == 400
        assert error in body(response)
        assert 'value="China"' in body(response)

    @pytest.mark.parametrize("page", ["/en/", "/en/countries/brazil/", "/en/search/"])
    def test_form_is_one_click_from_every_pair(self, page, client):
        form = body(client.get(page)).split('<form class="find pair-form')[1].split("</form>")[0]
        assert 'action="/en/ties/"' in form
        assert 'name="second"' in form

    def test_country_page_fills_in_its_country(self, client):
        page = body(client.get("/en/countries/brazil/"))
        assert '<input type="hidden" name="first" value="BRA">' in page

    def test_unknown_parameter_shows_notice(self, client):
        assert "There is no filter “colour” here" in body(client.get(f"{PAGE}?colour=red"))


@pytest.fixture
def votes():
    """Record four votes: the US votes with the UK in all of them, and with China in one."""
    for number, china in enumerate(("for", "against", "against", "absent")):
        factories.event(
            *(("USA", "for"), ("GBR", "for"), ("CHN", china)),
            kind="un-vote",
            date=f"200{number}",
        )


def text(html):
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


class TestComparison:
    THREE = f"{PAGE}?first=USA&second=GBR&third=CHN"

    def table(self, page, heading):
        """Return the rows of a table as lists of texts."""
        whole = page.split(f'id="{heading}"')[1].split("</table>")[0]
        rows = re.findall(r"<tr>(.*?)</tr>", whole, re.DOTALL)
        cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
        return [[text(cell) for cell in row] for row in cells]

    def test_page_shows_the_strongest_tie_of_each_pair_on_the_day(self, client):
        factories.alliance("USA", "GBR", kind="entente", in_force="1950", ended="1999")
        factories.alliance("USA", "GBR", "CHN", kind="neutrality-pact", in_force="1950")
        page = body(client.get(f"{self.THREE}&on=1990-01-01"))
        rows = {row[0]: row[1:] for row in self.table(page, "ties")[1:]}
        assert rows["United Kingdom"][0].startswith(("defence pact", "neutrality pact"))
        assert rows["China"][0].startswith("neutrality pact 1 tie")
        assert 'href="/en/ties/china/united-states/?on=1990-01-01"' in page

    def test_page_shows_alliances_that_at_least_two_share(self, client):
        both = factories.alliance("USA", "GBR", in_force="1950", title_en="Pact of two")
        factories.alliance("USA", "FRA", in_force="1950", title_en="Pact of others")
        factories.alliance("GBR", "CHN", in_force="1950", ended="1960", title_en="Old pact")
        page = body(client.get(f"{self.THREE}&on=1990-01-01"))
        assert both.title_en in page
        assert "Pact of others" not in page and "Old pact" not in page
        row = next(row for row in self.table(page, "alliances") if row[0].startswith("Pact of two"))
        assert row[1:] == ["member", "member", "–"]

    def test_page_shows_vote_agreement_of_each_pair(self, votes, client):
        page = body(client.get(self.THREE))
        rows = {row[0]: row[1:] for row in self.table(page, "votes")[1:]}
        assert rows["United States"] == ["·", "100.0% 4 votes", "33.3% 3 votes"]
        assert rows["China"][0] == "33.3% 3 votes"
        assert 'href="/en/ties/china/united-states/#votes"' in page

    def test_page_says_if_nothing_is_recorded(self, client):
        page = body(client.get("/id/ties/?first=LSO&second=TUV&third=BTN"))
        assert "Belum ada suara di PBB yang tercatat" in page
        assert "Lesotho, Tuvalu, dan Bhutan" in page

    def test_address_of_a_comparison_is_canonical(self, client):
        page = body(client.get("/en/ties/?first=Lesotho&second=tv&third=BTN&utm_source=x"))
        assert "http://testserver/en/ties/?first=LSO&amp;second=TUV&amp;third=BTN" in page

    def test_two_countries_keep_the_date(self, client):
        response = client.get(f"{PAGE}?first=USA&second=GBR&on=1990-01-01")
        assert response.url == "/en/ties/united-kingdom/united-states/?on=1990-01-01"

    @pytest.mark.usefixtures("no_page_cache")
    def test_query_count_is_constant_for_more_ties_and_votes(self, votes, client):
        def cost():
            with CaptureQueriesContext(connection) as queries:
                body(client.get(self.THREE))
            return len(queries)

        cost()
        before = cost()
        for year in range(1960, 1970):
            factories.alliance("USA", "GBR", "CHN", in_force=str(year))
            factories.event(("USA", "for"), ("CHN", "for"), kind="un-vote", date=str(year))
        assert cost() == before < 20
