"""The map of a country's allies, on a page of its own."""

from django.urls import reverse

from allies.views.country import AllyListing


class AllyMapView(AllyListing):
    """The rows of the ally list as a map, with a short table."""

    template_name = "allies/country/map.html"

    def address(self) -> str:
        return reverse("allies:country-allies", args=[self.country.slug])
