"""Admin lists that accept only the lookups of their own filters.

Django lets an editor filter a list by any field of its model and any lookup. Some lookups cost
minutes of CPU (``__regex``), and others end in database errors (``__range``, ``__contains``).
"""

from functools import cache
from typing import Any

from django.contrib import messages
from django.contrib.admin import ListFilter, ModelAdmin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG, PAGE_VAR, ChangeList
from django.core.exceptions import ValidationError
from django.core.paginator import InvalidPage
from django.db import DataError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from allies.monitoring.metrics import count_refusal
from allies.views.error_pages import RequestRefused

#: The most words in a search. Each word is searched in every search field of the list.
MAX_SEARCH_WORDS = 30


class BoundedChangeList(ChangeList):
    """A list that accepts only the parameters of its filters and of its date hierarchy."""

    def get_filters(
        self, request: HttpRequest
    ) -> tuple[list[ListFilter], bool, dict[str, bool | str], bool, bool]:
        """Return Django's filters; raise RequestRefused if a parameter belongs to none of them."""
        found = super().get_filters(request)
        # The filters removed their own parameters; Django would apply the rest as lookups.
        unknown = found[2].keys() - self._date_bounds()
        if unknown:
            raise _refuse(request, min(unknown))
        return found

    def _date_bounds(self) -> set[str]:
        """Return the lookups that Django made from the parameters of the date hierarchy."""
        field = self.date_hierarchy
        if not field or f"{field}__year" not in self.params:
            return set()
        return {f"{field}__gte", f"{field}__lt"}


class BoundedListMixin(ModelAdmin):
    """A model admin whose list answers other lookups with a 400 and a message.

    It also shortens the message about an ID that does not exist.
    """

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> type[ChangeList]:
        changelist: Any = super().get_changelist(request, **kwargs)
        return _bounded_class(changelist)

    def lookup_allowed(self, lookup: str, value: Any, request: object = None) -> bool:
        """Leave the decision to BoundedChangeList, which knows the parameters of the filters."""
        return True

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        try:
            return super().get_changelist_instance(request)
        except (
            IncorrectLookupParameters,
            ValidationError,
            ValueError,
            OverflowError,
            DataError,
        ) as e:
            if isinstance(e.__context__, InvalidPage) and ERROR_FLAG not in request.GET:
                # The last record of the last page may be gone. Django redirects to the first page.
                messages.warning(
                    request,
                    _("This list no longer has a page %(number)s.")
                    % {"number": request.GET.get(PAGE_VAR, "")[:20]},
                )
                raise
            if not request.GET:
                raise
            raise _refuse(request) from e

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        if len(search_term.split()) > MAX_SEARCH_WORDS:
            raise RequestRefused(
                ngettext(
                    "Search for at most %d word.",
                    "Search for at most %d words.",
                    MAX_SEARCH_WORDS,
                )
                % MAX_SEARCH_WORDS,
                back=request.path,
            )
        return super().get_search_results(request, queryset, search_term)

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> HttpResponse:
        """Redirect to the dashboard; its message repeats only the beginning of a long ID."""
        return super()._get_obj_does_not_exist_redirect(  # type: ignore[misc, no-any-return]
            request, opts, object_id[:100]
        )


@cache
def _bounded_class(changelist: type[ChangeList]) -> type[ChangeList]:
    return type(changelist.__name__, (BoundedChangeList, changelist), {})


@cache
def bounded(admin_class: "type[ModelAdmin[Model]]") -> "type[ModelAdmin[Model]]":
    """Return a model admin, ours or a library's, with a bounded list."""
    if issubclass(admin_class, BoundedListMixin):
        return admin_class
    members = {"__module__": admin_class.__module__, "__doc__": admin_class.__doc__}
    return type(admin_class.__name__, (BoundedListMixin, admin_class), members)


def _refuse(request: HttpRequest, parameter: str = "") -> RequestRefused:
    count_refusal("lookup")
    if parameter:
        reason = _("This list cannot be filtered by “%(parameter)s”.") % {
            "parameter": parameter[:100]
        }
    else:
        reason = _("This list has no such filter.")
    return RequestRefused(reason, back=request.path)
