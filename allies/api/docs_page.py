"""The documentation page of the API, generated from its collections, in both languages."""

from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView

from allies.api import changes, records
from allies.api.api import COLLECTIONS
from allies.api.collections import MOST, PER_PAGE
from allies.filters.base import CountryFilter, DayFilter
from allies.views.listing import Listing

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class ParameterDoc(NamedTuple):
    """A filter of a collection, with label, help text and allowed values.

    ``accepts`` describes the values if ``values`` does not list them.
    """

    name: str
    label: Any
    help: Any
    values: list[tuple[str, Any]]
    accepts: Any


class CollectionDoc(NamedTuple):
    """A collection, with its parameters, the columns of its rows and an example query."""

    address: str
    summary: Any
    parameters: list[ParameterDoc]
    columns: Any
    example: str = ""

    @property
    def request(self) -> str:
        return f"GET {self.address}"


#: Path → query of its example, if the collection is empty without one.
_EXAMPLES = {"/search": "q=pyongyang"}

#: Maximum number of choices that are listed one by one.
_MAX_VALUES_SHOWN = 20


def _parameters(listing: type[Listing]) -> list[ParameterDoc]:
    found = []
    for name, one in listing.filterset_class.base_filters.items():
        offered = one.extra.get("choices", ())
        choices = [] if callable(offered) else [(str(v), label) for v, label in offered if v]
        values = choices if len(choices) <= _MAX_VALUES_SHOWN else []
        found.append(
            ParameterDoc(
                name, one.label, one.extra.get("help_text", ""), values, _accepted_values(one)
            )
        )
    return found


def _accepted_values(one: object) -> "StrOrPromise":
    if isinstance(one, CountryFilter):
        return _("a name, alternative name or code")
    return _("a date like 2024-06-19") if isinstance(one, DayFilter) else "–"


class ApiDocsView(TemplateView):
    """The addresses of the API, their parameters and their columns."""

    template_name = "allies/api_docs.html"

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        offers = [
            CollectionDoc(
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
            changes=CollectionDoc(changes.ADDRESS, "", [], ()),
            per_page=PER_PAGE,
            most=MOST,
            **kwargs,
        )
