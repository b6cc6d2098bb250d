"""What every noun's admin shares: rights by status, evidence guarded, history, CSV."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _

from allies.actions.editing import edit_transaction, new_changeset
from allies.actions.permissions import PublishRightMissing, can_change, has_permission
from allies.admin.editing import EditingMixin
from allies.admin.form_extras import PresenceMixin
from allies.admin.history import HistoryMixin
from allies.admin.import_export import ImportExportMixin
from allies.admin.inlines import AutocompleteMixin
from allies.editorial.deletion_preview import DeletionPreview, preview_deletion
from allies.evidence.guards import EvidenceLost
from allies.models import Record
from allies.text.normalize import normalize_text


class RecordAdmin(AutocompleteMixin, PresenceMixin, EditingMixin, ImportExportMixin, HistoryMixin):
    """A noun in the admin."""

    change_form_template = "admin/allies/change_form.html"
    delete_confirmation_template = "admin/allies/delete_confirmation.html"
    delete_selected_confirmation_template = "admin/allies/delete_selected_confirmation.html"
    list_per_page = 50
    show_full_result_count = False
    save_on_top = True

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only what readers do not see; the rest is withdrawn first, or its removal proposed."""
        allowed = super().has_delete_permission(request, obj)
        if obj is not None and not can_change(user=request.user, record=obj):
            return False
        return allowed and not (
            obj is not None and obj.publication_root is obj and obj.is_published
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        """Search without regard to case, accents and punctuation: the folded texts."""
        return super().get_search_results(request, queryset, normalize_text(search_term))

    def render_change_form(  # type: ignore[override]
        self, request: HttpRequest, context: dict[str, Any], **kwargs: object
    ) -> HttpResponse:
        """Leave the buttons at the foot of a new form: a form begins at its first element."""
        response = super().render_change_form(request, context, **kwargs)
        if kwargs.get("add"):
            response.context_data["save_on_top"] = False  # type: ignore[attr-defined]
        return response

    # What evidence forbids is told to the editor instead of being an error page.

    def delete_view(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        return self._guarded(request, super().delete_view, *args, **kwargs)

    def changelist_view(
        self, request: HttpRequest, *args: object, **kwargs: object
    ) -> HttpResponse:
        return self._guarded(request, super().changelist_view, *args, **kwargs)

    def _guarded(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponse],
        *args: object,
        **kwargs: object,
    ) -> HttpResponse:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        try:
            with edit_transaction(
                new_changeset(record=self.model(), user=request.user), user=request.user
            ):
                return view(request, *args, **kwargs)
        except (EvidenceLost, PublishRightMissing) as refusal:
            for _said in messages.get_messages(request):
                pass  # what was said to be done is not
            messages.error(request, " ".join(getattr(refusal, "messages", [str(refusal)])))
            return HttpResponseRedirect(request.get_full_path())

    def get_deleted_objects(  # type: ignore[override]
        self, objs: QuerySet[Model] | Sequence[Model], request: HttpRequest
    ) -> tuple[DeletionPreview, dict[str, int], set[str], list[str]]:
        """Return what a deletion does: whole, in numbers, what lacks a right, what is in the way.

        In place of the first, Django has a list of names, which costs a query a record.
        """
        chosen = self.model._default_manager.filter(pk__in=[record.pk for record in objs])
        deletion = preview_deletion(chosen)
        counts = {str(self.opts.verbose_name_plural): deletion.count}
        for one in deletion.goes:
            counts[one.label] = counts.get(one.label, 0) + one.count
        needed = [("delete", one) for one in deletion.goes if issubclass(one.model, Record)]
        needed += [("change", one) for one in deletion.loses_link]
        lacking = {
            one.label
            for action, one in needed
            if not has_permission(user=request.user, action=action, record=one.model)
        }
        return deletion, counts, lacking, deletion.blocking_effects

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        self._require_deletable(request, [obj.pk])
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> None:
        """Delete what was selected, all of it or nothing."""
        self._require_deletable(request, queryset.values_list("pk", flat=True))
        super().delete_queryset(request, queryset)

    def _require_deletable(self, request: HttpRequest, keys: Iterable[object]) -> None:
        """Raise EvidenceLost for a record that is published by now; until the end none will be."""
        records = self.model._base_manager.select_for_update(of=("self",))
        for record in records.filter(pk__in=list(keys)).order_by("pk"):
            if not self.has_delete_permission(request, record):
                raise EvidenceLost(
                    _("“%(record)s” is published. Withdraw it before you delete it.")
                    % {"record": record}
                )
