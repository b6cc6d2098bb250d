"""What the API offers, as a page for people: made of what it is made of, in both languages."""

from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView

from allies.api import changes, records
from allies.api.collections import MOST, PER_PAGE
from allies.api.site import COLLECTIONS
from allies.filters.base import CountryFilter, DayFilter
from allies.views.listing import Listing

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Parameter(NamedTuple):
    """A filter of a collection: its name, what it is called, how it is meant, what it may be.

    ``takes`` says what it may be in words, where the values are not listed.
    """

    name: str
    label: Any
    help: Any
    values: list[tuple[str, Any]]
    takes: Any


class Offer(NamedTuple):
    """A collection: where it is, what it is, what one may ask, and what its rows have."""

    address: str
    summary: Any
    parameters: list[Parameter]
    columns: Any
    example: str = ""

    @property
    def request(self) -> str:
        return f"GET {self.address}"


#: What a filter must have for an answer with something in it, by address.
_EXAMPLES = {"/search": "q=pyongyang"}

#: Values of a choice beyond which they are not listed one by one.
_FEW = 20


def _parameters(listing: type[Listing]) -> list[Parameter]:
    found = []
    for name, one in listing.filterset_class.base_filters.items():
        offered = one.extra.get("choices", ())
        choices = [] if callable(offered) else [(str(v), label) for v, label in offered if v]
        values = choices if len(choices) <= _FEW else []
        found.append(
            Parameter(name, one.label, one.extra.get("help_text", ""), values, _takes(one))
        )
    return found


def _takes(one: object) -> "StrOrPromise":
    if isinstance(one, CountryFilter):
        return _("a name, alternative name or code")
    return _("a date like 2024-06-19") if isinstance(one, DayFilter) else "–"


class ReferencePage(TemplateView):
    """The addresses of the API, their parameters and their columns."""

    template_name = "allies/api.html"

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        offers = [
            Offer(
                address,
                one.summary,
                _parameters(one.listing),
                one.listing.columns,
                _EXAMPLES.get(address, ""),
            )
            for address, one in COLLECTIONS.items()
        ]
        base = self.request.build_absolute_uri("/api/v1")
        return super().get_context_data(
            base=base,
            command=f'curl "{base}/events?country=PRK&date_after=2024-06-19&limit=3"',
            offers=offers,
            records=[f"GET {address}" for address in records.ADDRESSES],
            changes=Offer(changes.ADDRESS, "", [], ()),
            per_page=PER_PAGE,
            most=MOST,
            **kwargs,
        )
