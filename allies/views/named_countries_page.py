"""The page about the countries that a search query names."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from allies.models import Country
from allies.search.named_countries import NamedCountries
from allies.text.name_lists import list_in_words
from allies.ties.ties_between import CountryPair
from allies.views.comparison import PLACES, comparison_url


@dataclass(frozen=True)
class NamedCountriesPage:
    """The page about one country, about a pair, or about several countries.

    ``note`` says what the page shows. ``also`` holds (label, URL) of further pages.
    """

    title: str
    url: str
    note: str
    also: tuple[tuple[str, str], ...] = ()

    def as_suggestion(self) -> dict[str, str]:
        """Return it in the form of the suggestions for search."""
        return {"title": self.title, "lang": "", "also": "", "noun": self.note, "url": self.url}


def find_page(named: NamedCountries) -> NamedCountriesPage | None:
    """Return the page about the countries that a query names; no query.

    Return None if there is none, or if the query is only the name of one country, which is a
    search result of its own.
    """
    countries = named.countries
    if len(countries) == 1 and not named.is_whole_text:
        return _page_of_country(countries[0])
    if not 2 <= len(countries) <= len(PLACES):
        return None
    if len(countries) == 2:
        countries = CountryPair.of(*countries).countries
    title = list_in_words([str(country.name) for country in countries])
    return NamedCountriesPage(title, comparison_url(countries), _("ties, events and UN votes"))


def _page_of_country(country: Country) -> NamedCountriesPage:
    said = {"country": country.name_in_text}
    allies = reverse("allies:country-allies", args=[country.slug])
    return NamedCountriesPage(
        str(country.name),
        country.get_absolute_url(),
        _("alliances, events and lists"),
        (
            (_("Allies of %(country)s") % said, allies),
            (
                _("Who votes most like %(country)s?") % said,
                reverse("allies:country-vote-ranking", args=[country.slug]),
            ),
        ),
    )
