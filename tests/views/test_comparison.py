"""The form for two to four countries, and the comparison of three or four."""

import pytest

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
