"""The page on which readers choose countries: two lead to their own page."""

from collections.abc import Sequence

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views import View

from allies.filters.base import MAX_VALUE_LENGTH, CountryField, unknown_parameter_names
from allies.models import Country
from allies.ties.ties_between import CountryPair

#: The query parameters with the countries; their number is the maximum.
PLACES = ("first", "second", "third", "fourth")


def comparison_url(countries: Sequence[Country]) -> str:
    """Return the URL of the page about these countries: of two, the page of the pair."""
    if len(countries) == 2:
        return CountryPair.of(*countries).get_absolute_url()
    query = urlencode(dict(zip(PLACES, (country.code for country in countries), strict=False)))
    return f"{reverse('allies:comparison')}?{query}"


def _country(label: object, *, required: bool = True) -> CountryField:
    widget = forms.TextInput(attrs={"data-suggest": "country", "type": "search"})
    return CountryField(label=label, max_length=MAX_VALUE_LENGTH, widget=widget, required=required)


class ComparisonForm(forms.Form):
    """Two to four different countries, each by a name, an alias or a code."""

    use_required_attribute = False

    first = _country(_("First country"))
    second = _country(_("Second country"))
    third = _country(_("Third country"), required=False)
    fourth = _country(_("Fourth country"), required=False)

    def clean(self) -> dict[str, object]:
        asked = super().clean() or self.cleaned_data
        seen: list[object] = []
        for name in PLACES:
            country = asked.get(name)
            if country in seen:
                said = _("You have already chosen this country.")
                self.add_error(name, forms.ValidationError(said))
            elif country:
                seen.append(country)
        return asked

    @property
    def countries(self) -> list[Country]:
        """The countries of a valid form, in their order."""
        return [country for name in PLACES if (country := self.cleaned_data[name])]


class ComparisonView(View):
    """Without parameters, show the form. With two countries, redirect to the page about both."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Return the page or the redirect; the form with status 400 if a country is unknown."""
        is_asked = any(request.GET.get(name, "").strip() for name in PLACES)
        form = ComparisonForm(request.GET if is_asked else None)
        is_valid = not is_asked or form.is_valid()
        countries = form.countries if is_asked and is_valid else []
        if len(countries) == 2:
            return redirect(comparison_url(countries))
        context = {
            "form": form,
            "valid": is_valid,
            "countries": countries,
            "unknown": unknown_parameter_names(request.GET, PLACES),
        }
        return render(request, "allies/comparison.html", context, status=200 if is_valid else 400)
