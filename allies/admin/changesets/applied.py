"""The records that a changeset wrote, and its undo."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import (
    HttpRequest,
    HttpResponse,
)

from allies.actions.permissions import has_permission
from allies.actions.undo import (
    UndoError,
    can_undo,
    evidence_loss_message,
    new_undo_changeset,
    preview_undo,
)
from allies.admin.changesets.base import ChangesetPageBase
from allies.admin.changesets.counts import count_table, model_label
from allies.admin.changesets.preview import PER_PAGE
from allies.evidence.guards import EVIDENCED_MODELS, published_but_unsupported
from allies.history.steps import (
    RecordLabels,
    ShownField,
    change_fields,
    change_title,
    select_related_for_labels,
)
from allies.imports.resources import RESOURCE_BY_MODEL_NAME, RESOURCES
from allies.imports.tasks import start_apply
from allies.models import BACKGROUND_KINDS, WRITE_COUNTS, Changeset, ChangesetState, Event, Record


class AppliedPageMixin(ChangesetPageBase):
    """The pages of an applied changeset, and of its undo."""

    def _applied(self, request: HttpRequest, changeset: Any) -> HttpResponse:
        possible = self.may_undo(request, changeset) and not changeset.is_undone
        if request.method == "POST":
            if "undo" in request.POST and possible:
                by = new_undo_changeset(changeset, user=request.user)
                by.state = ChangesetState.CHECKED
                by.save()
                return self.redirect_to_page(by)
            if request.POST.keys() & {"list", "unlist"} and self._may_list(request, changeset):
                changeset.compare_and_set(listed="list" in request.POST)
                return self.redirect_to_page(changeset)
            raise PermissionDenied
        return self.render_page(
            request,
            "applied",
            changeset=changeset,
            **self._records(request, changeset),
            counts=count_table(changeset),
            undone_by=Changeset.objects.applied().filter(undoes=changeset).first(),
            may_undo=possible,
            may_list=self._may_list(request, changeset),
            not_taken=self._not_taken(changeset),
            unseen=_count_hidden(changeset),
            has_mapping=bool(changeset.mapping.get("nouns")),
            title=str(changeset),
        )

    def _records(self, request: HttpRequest, changeset: Changeset) -> dict[str, Any]:
        """Return a page of the records of one record type that a changeset wrote."""
        written = [
            name for name, counts in changeset.counts.items() if any(map(counts.get, WRITE_COUNTS))
        ]
        if not written:
            return {}
        shown = request.GET.get("show", "")
        shown = shown if shown in written else written[0]
        model: type[Record] = RESOURCES[RESOURCE_BY_MODEL_NAME[shown]]._meta.model
        versions = model.history.filter(changeset=changeset).order_by("history_id")
        page = Paginator(versions, PER_PAGE).get_page(request.GET.get("page"))
        records = select_related_for_labels(model).in_bulk(
            [version.id for version in page.object_list]
        )
        return {
            "kinds": [(name, model_label(RESOURCE_BY_MODEL_NAME[name])) for name in written],
            "kind": shown,
            "page": page,
            "records": [
                (version, records.get(version.id), f"admin:allies_{shown}_history")
                for version in page.object_list
            ],
        }

    def _not_taken(self, changeset: Changeset) -> list[tuple[str, list[ShownField]]]:
        """Return, per record, the proposed changes that the reviewer did not accept."""
        names = RecordLabels(changeset.not_taken)
        return [
            (change_title(one, names), change_fields(one, names)) for one in changeset.not_taken
        ]

    def may_undo(self, request: HttpRequest, changeset: Changeset) -> bool:
        return can_undo(user=request.user, changeset=changeset)

    def _may_list(self, request: HttpRequest, changeset: Changeset) -> bool:
        """Return whether the user may list it publicly; only imports and undos can be listed."""
        is_listable = changeset.kind in BACKGROUND_KINDS
        return is_listable and has_permission(user=request.user, action="publish", record=Event)

    def _undoing(self, request: HttpRequest, changeset: Changeset) -> HttpResponse:
        if not self.may_undo(request, changeset):
            raise PermissionDenied
        assert changeset.undoes is not None
        also = set(changeset.undo_also)
        if request.method == "POST":
            chosen = request.POST.getlist("also")
            changeset.compare_and_set(
                undo_also=["all"] if "all" in chosen else chosen,
                reason=request.POST.get("reason", "").strip()[:1000],
            )
            if "apply" in request.POST:
                start_apply(changeset)
            return self.redirect_to_page(changeset)
        problem, report = "", None
        try:
            report = preview_undo(
                changeset=changeset.undoes, also=frozenset(also), user=request.user
            )
        except UndoError as error:
            problem = str(error)
        return self.render_page(
            request,
            "undo",
            changeset=changeset,
            report=report,
            counts=[
                (model_label(RESOURCE_BY_MODEL_NAME[name]), counts)
                for name, counts in (report.counts if report else {}).items()
            ],
            also=also,
            problem=problem,
            losing=evidence_loss_message(report.unsupported)
            if report and report.unsupported
            else "",
            title=str(changeset),
        )


def _count_hidden(changeset: Changeset) -> int:
    """Return how many of its records are marked published but hidden from readers."""
    return sum(
        published_but_unsupported(model)
        .filter(pk__in=model.history.filter(changeset=changeset).values("id"))
        .count()
        for model in EVIDENCED_MODELS
        if any(map(changeset.counts.get(str(model._meta.model_name), {}).get, WRITE_COUNTS))
    )
