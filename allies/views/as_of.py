"""The day a page shows: ``?on=1990-06-30``, today where the address says nothing."""

import datetime as dt
from functools import cached_property

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from allies.filters import DayField, unknown_parameter_names


class InvalidDate(ValidationError):
    """What was asked for is no day of the calendar; its message says what to write."""


def parse_day(request: HttpRequest, name: str = "on") -> dt.date:
    """Return the day an address asks for, today where it asks for none; raise ImpossibleDay.

    A day is written YYYY-MM-DD and lies between the years 1 and 9999.
    """
    try:
        day = DayField(required=False).clean(request.GET.get(name, ""))
    except ValidationError as error:
        raise InvalidDate(error.messages) from error
    return day or timezone.localdate()


class AsOfDateMixin:
    """A record's page that shows what was in force on the day its address asks for.

    Mix it in before a DetailView: it gives the template ``day`` and ``unknown``, the names of
    parameters that mean nothing here, and answers an impossible day with a 400 that says so.
    """

    request: HttpRequest
    #: Parameters of the address that the page understands.
    known_parameters: tuple[str, ...] = ("on",)

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        try:
            return super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        except InvalidDate as error:
            context = {
                "errors": error.messages,
                "day": timezone.localdate(),
                "view": self,
                "is_error": True,
            }
            return render(request, "allies/invalid_date.html", context, status=400)

    @cached_property
    def has_requested_day(self) -> bool:
        """Whether the address names a day; an empty one is none."""
        return bool(self.request.GET.get("on", "").strip())

    @cached_property
    def day(self) -> dt.date:
        """The day the page is about."""
        return parse_day(self.request) if self.has_requested_day else self.default_day()

    def default_day(self) -> dt.date:
        """Return the day the page is about where the address names none."""
        return timezone.localdate()

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        kwargs.setdefault("day", self.day)
        kwargs.setdefault(
            "unknown", unknown_parameter_names(self.request.GET, self.known_parameters)
        )
        return super().get_context_data(**kwargs)  # type: ignore[misc]
