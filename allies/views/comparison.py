"""Countries compared: two have a page of their own, three or four are compared here."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views import View

from allies.charts.world_map import BY_STRENGTH
from allies.filters import DayField, unknown_parameter_names
from allies.filters.base import MAX_VALUE_LENGTH, CountryField
from allies.models import AllianceKind, Country, Standing
from allies.text.name_lists import list_in_words
from allies.ties.shared_alliances import SharedAlliance, shared_alliances
from allies.ties.standing import best_standing
from allies.ties.ties_between import CountryPair
from allies.ties.vote_ranking import YearRange, votes_of_all
from allies.ties.voting import VoteAgreement

#: The query parameters with the countries; their number is the maximum.
PLACES = ("first", "second", "third", "fourth")


def comparison_url(countries: Sequence[Country], day: dt.date | None = None) -> str:
    """Return the URL of the page about these countries: of two, the page of the pair."""
    query = {"on": day.isoformat()} if day else {}
    if len(countries) == 2:
        page = CountryPair.of(*countries).get_absolute_url()
    else:
        page = reverse("allies:comparison")
        codes = (country.code for country in countries)
        query = {**dict(zip(PLACES, codes, strict=False)), **query}
    return f"{page}?{urlencode(query)}" if query else page


def _country(label: Any, *, required: bool = True) -> CountryField:
    widget = forms.TextInput(attrs={"data-suggest": "country", "type": "search"})
    return CountryField(label=label, max_length=MAX_VALUE_LENGTH, widget=widget, required=required)


class ComparisonForm(forms.Form):
    """Two to four different countries, each by a name, an alias or a code, and a day."""

    use_required_attribute = False

    first = _country(_("First country"))
    second = _country(_("Second country"))
    third = _country(_("Third country"), required=False)
    fourth = _country(_("Fourth country"), required=False)
    on = DayField(label=_("Date"), required=False)

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


class TieCell(NamedTuple):
    """The ties of two countries: their number, strongest kind and best standing, or 0 and None."""

    url: str
    number: int
    kind: AllianceKind | None
    standing: Standing | None


class VoteCell(NamedTuple):
    """The votes of two countries; None if there is no roll call with both."""

    url: str
    votes: VoteAgreement | None


class ComparisonView(View):
    """Without parameters, show the form. With two countries, redirect to the page about both."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Return the page or the redirect; the form with status 400 if a country is unknown."""
        is_asked = any(request.GET.get(name, "").strip() for name in PLACES)
        form = ComparisonForm(request.GET if is_asked else None)
        context: dict[str, Any] = {
            "form": form,
            "valid": not is_asked or form.is_valid(),
            "unknown": unknown_parameter_names(request.GET, form.fields),
        }
        if is_asked and context["valid"]:
            if len(form.countries) == 2:
                return redirect(comparison_url(form.countries, form.cleaned_data["on"]))
            context |= build_comparison(form.countries, form.cleaned_data["on"])
        status = 200 if context["valid"] else 400
        return render(request, "allies/comparison.html", context, status=status)


def build_comparison(countries: Sequence[Country], day: dt.date | None) -> dict[str, Any]:
    """Return the context of the comparison; ``day`` is the requested day, if any.

    One query for the ties, and those of ``votes_of_all`` for each country but the last.
    """
    on = day or timezone.localdate()
    shared = shared_alliances(countries, on)
    votes = _votes(countries)
    return {
        "countries": countries,
        "names": list_in_words([str(country.name) for country in countries]),
        "day": on,
        "page_query": dict(
            [
                *((name, one.code) for name, one in zip(PLACES, countries, strict=False)),
                *([("on", on.isoformat())] if day else []),
            ]
        ),
        "ties": [
            (one, [_tie(shared, one, other, day) for other in countries]) for one in countries
        ],
        "alliances": [
            (each.alliance, [(one, each.standings.get(one.pk)) for one in countries])
            for each in shared
        ],
        "votes": [
            (one, [_vote_cell(votes, one, other) for other in countries]) for one in countries
        ]
        if votes
        else [],
    }


def _tie(
    shared: Sequence[SharedAlliance], one: Country, other: Country, day: dt.date | None
) -> TieCell | None:
    """Return the ties of two countries; None for a country and itself."""
    if one == other:
        return None
    ties = [(each, standing) for each in shared if (standing := each.tie(one, other))]
    standing = best_standing(found for _each, found in ties) if ties else None
    # The strongest tie is one of the most certain.
    best = [AllianceKind(each.alliance.kind) for each, found in ties if found == standing]
    kind = min(best, key=BY_STRENGTH.index) if best else None
    return TieCell(comparison_url([one, other], day), len(best), kind, standing)


def _votes(countries: Sequence[Country]) -> dict[frozenset[int], VoteAgreement]:
    """Return the agreement of each pair that has joint votes, by the ids of both."""
    found: dict[frozenset[int], VoteAgreement] = {}
    for number, one in enumerate(countries[:-1], start=1):
        others = votes_of_all(one, YearRange(), among=countries[number:]).others
        found |= {frozenset((one.pk, pk)): votes for pk, votes in others.items()}
    return found


def _vote_cell(
    votes: dict[frozenset[int], VoteAgreement], one: Country, other: Country
) -> VoteCell | None:
    if one == other:
        return None
    url = f"{comparison_url([one, other])}#votes"
    return VoteCell(url, votes.get(frozenset((one.pk, other.pk))))
