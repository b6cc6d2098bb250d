"""The day that a page shows: ``?on=1990-06-30``, or today without this parameter."""

import datetime as dt
from functools import cached_property

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from allies.filters import DayField, unknown_parameter_names


class InvalidDate(ValidationError):
    """The requested day is not a date; the message says what to write."""


def parse_day(request: HttpRequest, name: str = "on") -> dt.date:
    """Return the day in the query parameter, or today without one; raise InvalidDate.

    The format is YYYY-MM-DD, with years from 1 to 9999.
    """
    try:
        day = DayField(required=False).clean(request.GET.get(name, ""))
    except ValidationError as error:
        raise InvalidDate(error.messages) from error
    return day or timezone.localdate()


class AsOfDateMixin:
    """Mixin of pages that show what was in force on the day in ``?on=``.

    Put it before the view class. It adds ``day`` and ``unknown`` (names of unknown parameters) to
    the context. An invalid day gives a 400 page that says so.
    """

    request: HttpRequest
    #: Query parameters that the page understands.
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
        """Whether the query names a day; an empty parameter does not."""
        return bool(self.request.GET.get("on", "").strip())

    @cached_property
    def day(self) -> dt.date:
        """The day that the page shows."""
        return parse_day(self.request) if self.has_requested_day else self.default_day()

    def default_day(self) -> dt.date:
        """Return the day to show if the query names none."""
        return timezone.localdate()

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        kwargs.setdefault("day", self.day)
        kwargs.setdefault(
            "unknown", unknown_parameter_names(self.request.GET, self.known_parameters)
        )
        return super().get_context_data(**kwargs)  # type: ignore[misc]
