"""What every noun's admin shares: rights by status, evidence guarded, history, CSV."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _

from allies.actions.rights import may_change
from allies.admin.exchange import ExchangeMixin
from allies.admin.history import HistoryMixin
from allies.folding import fold
from allies.models import EvidenceLost, Record


class WouldBePublic(ValidationError):
    """A change that would put something before readers, by somebody who may not publish."""


def governed(request: HttpRequest, record: Any) -> bool:
    """Say whether the user may write to this record as it stands, or there is none yet."""
    return record is None or may_change(user=request.user, record=record)


class Governed:
    """Parts of a record: whoever may not change the record as it stands may only look at them."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_add_permission(request, obj) and governed(request, obj)  # type: ignore[misc]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and governed(request, obj)  # type: ignore[misc]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and governed(request, obj)  # type: ignore[misc]


class GovernedInline(Governed, admin.TabularInline):
    """Parts of a record, a row each."""

    extra = 0


class RecordAdmin(ExchangeMixin, HistoryMixin):
    """A noun in the admin."""

    list_per_page = 50
    show_full_result_count = False
    save_on_top = True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and governed(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj) and governed(request, obj)
        return allowed and not (obj is not None and obj.governed_by is obj and obj.is_published)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        """Search without regard to case, accents and punctuation: the folded texts."""
        return super().get_search_results(request, queryset, fold(search_term))

    # A change that evidence forbids is told to the editor instead of being an error page.

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._guarded(request, super().changeform_view, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._guarded(request, super().delete_view, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._guarded(request, super().changelist_view, *args, **kwargs)

    def _guarded(self, request: HttpRequest, view: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except (EvidenceLost, WouldBePublic) as refusal:
            messages.error(request, " ".join(refusal.messages))
            return HttpResponseRedirect(request.get_full_path())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete what was selected, all of it or nothing."""
        for record in queryset:
            if not self.has_delete_permission(request, record):
                raise EvidenceLost(
                    _("“%(record)s” is published: withdraw it before deleting it.")
                    % {"record": record}
                )
        with transaction.atomic():
            super().delete_queryset(request, queryset)

    def save_model(self, request: HttpRequest, obj: Record, form: Any, change: bool) -> None:
        if not governed(request, obj):
            raise WouldBePublic(
                _("This would be public at once, and you may not publish. Ask a reviewer.")
            )
        obj._history_user = request.user
        super().save_model(request, obj, form, change)
