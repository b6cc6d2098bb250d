"""What a changeset did, record by record, and the way back."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import (
    HttpRequest,
    HttpResponse,
)

from allies.actions.rights import may
from allies.actions.undo import NotUndone, look_at_undo, losing, may_undo, undoing
from allies.admin.changesets.counts import noun_label, table_of
from allies.admin.changesets.pages import ChangesetPages
from allies.admin.changesets.preview import PER_PAGE
from allies.exchange.jobs import start_apply
from allies.exchange.resources import NOUN_CALLED, NOUNS
from allies.history import Names, ShownField, fields_of, title_of, with_what_names_need
from allies.models import (
    BY_JOB,
    SUPPORTED,
    WRITTEN,
    Changeset,
    ChangesetState,
    Event,
    Record,
    unsupported,
)


class AppliedStep(ChangesetPages):
    """The pages of a changeset that was applied, and of the undo of one."""

    def _applied(self, request: HttpRequest, changeset: Any) -> HttpResponse:
        possible = self.may_undo(request, changeset) and not changeset.is_undone
        if request.method == "POST":
            if "undo" in request.POST and possible:
                by = undoing(changeset, user=request.user)
                by.state = ChangesetState.CHECKED
                by.save()
                return self.again(by)
            if request.POST.keys() & {"list", "unlist"} and self._may_list(request, changeset):
                changeset.write(listed="list" in request.POST)
                return self.again(changeset)
            raise PermissionDenied
        return self.page(
            request,
            "applied",
            changeset=changeset,
            **self._records(request, changeset),
            counts=table_of(changeset),
            undone_by=Changeset.objects.applied().filter(undoes=changeset).first(),
            may_undo=possible,
            may_list=self._may_list(request, changeset),
            not_taken=self._not_taken(changeset),
            unseen=_unseen(changeset),
            has_mapping=bool(changeset.mapping.get("nouns")),
            title=str(changeset),
        )

    def _records(self, request: HttpRequest, changeset: Changeset) -> dict[str, Any]:
        """Return a page of the records of one noun that a changeset wrote."""
        written = [
            name for name, counts in changeset.counts.items() if any(map(counts.get, WRITTEN))
        ]
        if not written:
            return {}
        shown = request.GET.get("show", "")
        shown = shown if shown in written else written[0]
        model: type[Record] = NOUNS[NOUN_CALLED[shown]]._meta.model
        versions = model.history.filter(changeset=changeset).order_by("history_id")
        page = Paginator(versions, PER_PAGE).get_page(request.GET.get("page"))
        records = with_what_names_need(model).in_bulk([version.id for version in page.object_list])
        return {
            "kinds": [(name, noun_label(NOUN_CALLED[name])) for name in written],
            "kind": shown,
            "page": page,
            "records": [
                (version, records.get(version.id), f"admin:allies_{shown}_history")
                for version in page.object_list
            ],
        }

    def _not_taken(self, changeset: Changeset) -> list[tuple[str, list[ShownField]]]:
        """Return, record by record, what its author proposed and its reviewer did not take."""
        names = Names(changeset.not_taken)
        return [(title_of(one, names), fields_of(one, names)) for one in changeset.not_taken]

    def may_undo(self, request: HttpRequest, changeset: Changeset) -> bool:
        return may_undo(user=request.user, changeset=changeset)

    def _may_list(self, request: HttpRequest, changeset: Changeset) -> bool:
        """Say whether the user may put it on the public list, which is of files and undoings."""
        is_listable = changeset.kind in BY_JOB
        return is_listable and may(user=request.user, action="publish", record=Event)

    def _undoing(self, request: HttpRequest, changeset: Changeset) -> HttpResponse:
        if not self.may_undo(request, changeset):
            raise PermissionDenied
        assert changeset.undoes is not None
        also = set(changeset.mapping.get("also", []))
        if request.method == "POST":
            chosen = request.POST.getlist("also")
            changeset.write(
                mapping={"also": ["all"] if "all" in chosen else chosen},
                reason=request.POST.get("reason", "").strip()[:1000],
            )
            if "apply" in request.POST:
                start_apply(changeset)
            return self.again(changeset)
        problem, report = "", None
        try:
            report = look_at_undo(
                changeset=changeset.undoes, also=frozenset(also), user=request.user
            )
        except NotUndone as error:
            problem = str(error)
        return self.page(
            request,
            "undo",
            changeset=changeset,
            report=report,
            counts=[
                (noun_label(NOUN_CALLED[name]), counts)
                for name, counts in (report.counts if report else {}).items()
            ],
            also=also,
            problem=problem,
            losing=losing(report.unsupported) if report and report.unsupported else "",
            title=str(changeset),
        )


def _unseen(changeset: Changeset) -> int:
    """Return how many records a changeset wrote that are marked published and nobody sees."""
    return sum(
        unsupported(model)
        .filter(pk__in=model.history.filter(changeset=changeset).values("id"))
        .count()
        for model in SUPPORTED
        if any(map(changeset.counts.get(str(model._meta.model_name), {}).get, WRITTEN))
    )
