"""Base admin of every record type: permissions by status, evidence checks, history, CSV."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _

from allies.actions.apply_changes import edit_transaction, new_changeset
from allies.actions.permissions import PublishRightMissing, can_change, has_permission
from allies.admin.history import HistoryMixin
from allies.admin.import_export import ImportExportMixin
from allies.admin.inlines import AutocompleteMixin
from allies.admin.presence import PresenceMixin
from allies.admin.save_or_propose import EditingMixin
from allies.editorial.deletion_preview import DeletionPreview, preview_deletion
from allies.evidence.guards import EvidenceLost
from allies.models import Record
from allies.text.normalize import normalize_text


class RecordAdmin(AutocompleteMixin, PresenceMixin, EditingMixin, ImportExportMixin, HistoryMixin):
    """The admin of a record type."""

    change_form_template = "admin/allies/change_form.html"
    delete_confirmation_template = "admin/allies/delete_confirmation.html"
    delete_selected_confirmation_template = "admin/allies/delete_selected_confirmation.html"
    list_per_page = 50
    show_full_result_count = False
    save_on_top = True

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Forbid deleting published records, and records that the user may not change.

        A published record is withdrawn first, or its removal is proposed.
        """
        allowed = super().has_delete_permission(request, obj)
        if obj is not None and not can_change(user=request.user, record=obj):
            return False
        return allowed and not (
            obj is not None and obj.publication_root is obj and obj.is_published
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        """Search the normalised texts, so that case, accents and punctuation do not matter."""
        return super().get_search_results(request, queryset, normalize_text(search_term))

    def render_change_form(  # type: ignore[override]
        self, request: HttpRequest, context: dict[str, Any], **kwargs: object
    ) -> HttpResponse:
        """Show the buttons only at the bottom of an add form, so that it starts with a field."""
        response = super().render_change_form(request, context, **kwargs)
        if kwargs.get("add"):
            response.context_data["save_on_top"] = False  # type: ignore[attr-defined]
        return response

    # A change that the evidence rules forbid is shown as a message, not as an error page.

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
                pass  # discard the success messages: nothing was done
            messages.error(request, " ".join(getattr(refusal, "messages", [str(refusal)])))
            return HttpResponseRedirect(request.get_full_path())

    def get_deleted_objects(  # type: ignore[override]
        self, objs: QuerySet[Model] | Sequence[Model], request: HttpRequest
    ) -> tuple[DeletionPreview, dict[str, int], set[str], list[str]]:
        """Return what a deletion would do: preview, counts, missing permissions, obstacles.

        Django's version returns a list of names instead of the preview, with one query per record.
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
        """Delete all selected records, or none of them."""
        self._require_deletable(request, queryset.values_list("pk", flat=True))
        super().delete_queryset(request, queryset)

    def _require_deletable(self, request: HttpRequest, keys: Iterable[object]) -> None:
        """Lock the records; raise EvidenceLost if one of them is published by now.

        The locks last until the end of the transaction, so none of them is published before the
        deletion.
        """
        records = self.model._base_manager.select_for_update(of=("self",))
        for record in records.filter(pk__in=list(keys)).order_by("pk"):
            if not self.has_delete_permission(request, record):
                raise EvidenceLost(
                    _("“%(record)s” is published. Withdraw it before you delete it.")
                    % {"record": record}
                )
