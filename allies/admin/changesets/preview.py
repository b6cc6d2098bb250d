"""The preview of an import, and the editor's decisions on it."""

from contextlib import suppress
from pathlib import Path

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
)
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from allies.admin.changesets.base import ChangesetPageBase, importable_resources, safe_file_name
from allies.admin.changesets.counts import count_table, model_label, total_counts
from allies.imports.mapping import terms_of
from allies.imports.plan import Outcome, Plan
from allies.imports.references import CountryIndex, UnknownRecord
from allies.imports.tasks import open_plan, refused_rows_path, start_apply, start_check
from allies.models import Changeset, ChangesetState, StateConflict

#: Rows per page of a preview.
PER_PAGE = 100

#: The parts of a preview, in the order of the page.
KINDS = (
    (Outcome.REFUSED, gettext_lazy("Refused")),
    (Outcome.CHANGED, gettext_lazy("Changed")),
    (Outcome.NEW, gettext_lazy("New")),
    ("likely", gettext_lazy("May already exist")),
    (Outcome.MATCHED, gettext_lazy("Recognised")),
    (Outcome.MOVED, gettext_lazy("Moved to another country")),
    (Outcome.REPEATED, gettext_lazy("Duplicates in the file")),
    (Outcome.LEFT_OUT, gettext_lazy("Skipped")),
)


class PreviewPageMixin(ChangesetPageBase):
    """The page that shows the planned changes, part by part, and applies them."""

    def _checked(self, request: HttpRequest, changeset: Changeset) -> HttpResponse:
        if request.method == "POST":
            return self._decide(request, changeset)
        try:
            with open_plan(changeset) as plan:
                return self._preview(request, changeset, plan)
        except FileNotFoundError:
            with suppress(StateConflict):  # another request has just started it
                start_check(changeset)
            return self.redirect_to_page(changeset)

    def _preview(self, request: HttpRequest, changeset: Changeset, plan: Plan) -> HttpResponse:
        totals = total_counts(changeset)
        counted = {
            Outcome.REFUSED: totals.get("refused", 0),
            Outcome.CHANGED: totals.get("updated", 0),
            Outcome.NEW: totals.get("created", 0),
            "likely": totals.get("likely", 0),
            Outcome.MATCHED: totals.get("matched", 0),
            Outcome.MOVED: totals.get("moved", 0),
            Outcome.REPEATED: totals.get("repeated", 0),
            Outcome.LEFT_OUT: totals.get("left_out", 0),
        }
        kinds = [(kind, label, counted[kind]) for kind, label in KINDS if counted[kind]]
        kind = request.GET.get("show", kinds[0][0] if kinds else "")
        paginator = Paginator(range(counted.get(kind, 0)), PER_PAGE)
        page = paginator.get_page(request.GET.get("page"))
        likely = kind == "likely"
        stored = Outcome.NEW if likely else kind
        start = (page.number - 1) * PER_PAGE
        rows = list(plan.outcomes(stored, start, PER_PAGE, likely=likely))
        return self.render_page(
            request,
            "preview",
            changeset=changeset,
            counts=count_table(changeset),
            kinds=kinds,
            kind=kind,
            page=page,
            rows=[row._replace(noun=model_label(row.noun)) for row in rows],
            unknown=plan.unknown_countries(),
            refused=totals.get("refused", 0),
            writes=totals.get("created", 0) + totals.get("updated", 0),
            terms=terms_of(changeset.mapping),
            title=_("Import %(name)s: preview") % {"name": changeset.file_name},
        )

    def _decide(self, request: HttpRequest, changeset: Changeset) -> HttpResponse:
        if "back" in request.POST:
            changeset.compare_and_set(state=ChangesetState.UPLOADED, message="")
        elif "countries" in request.POST:
            self._decide_countries(request, changeset)
        elif "apply" in request.POST:
            totals = total_counts(changeset)
            if totals.get("refused") or not (totals.get("created") or totals.get("updated")):
                raise PermissionDenied
            if terms_of(changeset.mapping) and "accept-terms" not in request.POST:
                messages.error(request, _("Accept the terms of the data set first."))
                return self.redirect_to_page(changeset)
            changeset.compare_and_set(reason=request.POST.get("reason", "").strip()[:1000])
            start_apply(changeset)
        elif "recheck" in request.POST:
            start_check(changeset)
        return self.redirect_to_page(changeset)

    def _decide_countries(self, request: HttpRequest, changeset: Changeset) -> None:
        """Store the editor's decision on each unknown country of the file."""
        index = CountryIndex()
        mapping = dict(changeset.mapping)
        countries = dict(mapping.get("countries", {}))
        aliases = list(mapping.get("aliases", []))
        wrong = []
        texts, answers = request.POST.getlist("text"), request.POST.getlist("is")
        for place, (text, answer) in enumerate(zip(texts, answers, strict=False)):
            if f"leave-{place}" in request.POST:
                countries[text] = ""
            elif answer.strip():
                try:
                    countries[text] = index.find(answer.strip()).code
                except UnknownRecord as error:
                    wrong.append(f"“{answer}”: {error}")
                    continue
                if f"alias-{place}" in request.POST and text not in aliases:
                    aliases.append(text)
        if aliases and "aliases" not in importable_resources(request):
            wrong.append(_("You don’t have permission to import all of these record types."))
            aliases = []
        for message in wrong:
            messages.error(request, message)
        changeset.compare_and_set(mapping={**mapping, "countries": countries, "aliases": aliases})
        if not wrong:
            start_check(changeset)

    def refused_view(self, request: HttpRequest, number: int) -> HttpResponseBase:
        """Send the refused rows of the file as CSV, with the reasons in an extra column."""
        changeset = self.get_own_or_404(request, number)
        if changeset.state != ChangesetState.CHECKED:
            raise Http404
        try:
            file = refused_rows_path(changeset).open("rb")
        except FileNotFoundError:
            raise Http404 from None
        name = safe_file_name(f"refused-{Path(changeset.file_name).stem}.csv")
        return FileResponse(
            file, as_attachment=True, filename=name, content_type="text/csv; charset=utf-8"
        )
