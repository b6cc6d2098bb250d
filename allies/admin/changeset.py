"""Changesets in the admin: a file is uploaded, mapped, looked at, applied, taken back."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from allies.actions.rights import may
from allies.actions.undo import NotUndone, look_at_undo, undoing
from allies.admin.counts import noun_label, table_of, totals_of
from allies.admin.mapping_form import noun_rows, read_form
from allies.admin.upload import LayoutForm, UploadForm
from allies.exchange.jobs import plan_path, start_apply, start_check, sweep
from allies.exchange.mapping import BadMapping, FileMapping, as_drafts
from allies.exchange.mappings import built_in
from allies.exchange.plan import Outcome, Plan
from allies.exchange.reader import REASON, UnreadableFile, sha256_of
from allies.exchange.references import CODES, CountryIndex, UnknownRecord
from allies.exchange.resources import NOUN_CALLED, NOUNS
from allies.exchange.suggestions import by_names, suggest, words_of
from allies.exchange.tables import Layout, Table, detect, first_rows, open_table, sheets
from allies.exchange.work import call_off, progress_of
from allies.models import WRITTEN, Changeset, ChangesetKind, ChangesetState, Mapping
from allies.tabular import csv_lines

#: Rows of a preview on a page.
PER_PAGE = 100

NOUN_OF = {resource._meta.model: noun for noun, resource in NOUNS.items()}

#: The parts of a preview, in the order they are offered.
KINDS = (
    (Outcome.REFUSED, gettext_lazy("Refused")),
    (Outcome.CHANGED, gettext_lazy("Changed")),
    (Outcome.NEW, gettext_lazy("New")),
    ("likely", gettext_lazy("Likely there already")),
    (Outcome.REPEATED, gettext_lazy("Repeated in the file")),
    (Outcome.LEFT_OUT, gettext_lazy("Left out")),
)


def importable(request: HttpRequest) -> list[str]:
    """Return the nouns a user may import."""
    return [
        noun
        for noun, resource in NOUNS.items()
        if may(user=request.user, action="import", record=resource._meta.model)
    ]


@admin.register(Changeset)
class ChangesetAdmin(admin.ModelAdmin):
    """The way of a file into the site, and out again."""

    list_display = ("__str__", "kind", "shown_state", "shown_counts", "created_by", "created_at")
    list_filter = ("kind", "state")
    search_fields = ("file_name", "reason")
    list_select_related = ("created_by",)
    list_per_page = 50
    change_list_template = "admin/allies/changeset/list.html"
    show_full_result_count = False

    # Who may what.

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.state != ChangesetState.APPLIED:
            return obj.created_by_id == request.user.pk
        return super().has_view_permission(request, obj) or bool(importable(request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(importable(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def may_undo(self, request: HttpRequest) -> bool:
        return may(user=request.user, action="undo", record=Changeset)

    def get_queryset(self, request: HttpRequest) -> Any:
        changesets = Changeset.objects.with_undone()
        own = Changeset.objects.filter(created_by=request.user.pk)  # type: ignore[misc]
        return changesets.filter(pk__in=own) | changesets.filter(state=ChangesetState.APPLIED)

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def shown_state(self, changeset: Any) -> str:
        return _("undone") if changeset.is_undone else changeset.get_state_display()

    @admin.display(description=gettext_lazy("counts"))
    def shown_counts(self, changeset: Changeset) -> str:
        return changeset.in_short()

    # Addresses.

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            ("", self.one_view, "one"),
            ("progress/", self.progress_view, "progress"),
            ("refused/", self.refused_view, "refused"),
            ("mapping/", self.mapping_view, "mapping"),
        ]
        return [
            *(
                path(f"<int:number>/{end}", wrap(view), name=f"allies_changeset_{name}")
                for end, view, name in own
            ),
            *super().get_urls(),
        ]

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        if not object_id.isdecimal():
            raise Http404
        return HttpResponseRedirect(self._address("one", object_id))

    def _address(self, view: str, *args: Any) -> str:
        return reverse(f"admin:allies_changeset_{view}", args=args)

    def _own(self, request: HttpRequest, number: int) -> Changeset:
        sweep()
        changeset = Changeset.objects.with_undone().filter(pk=number).first()
        if changeset is None:
            raise Http404
        if not self.has_view_permission(request, changeset):
            raise PermissionDenied
        return changeset

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        sweep()
        return super().changelist_view(request, extra_context)

    # Uploading.

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        nouns = importable(request)
        if not nouns:
            raise PermissionDenied
        initial = {"noun": request.GET.get("noun", nouns[0])}
        form = UploadForm(nouns, request.POST or None, request.FILES or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            changeset = self._received(request, form)
            try:
                self._understand(changeset)
            except UnreadableFile as error:
                changeset.discard()
                form.add_error("file", str(error))
            else:
                return HttpResponseRedirect(self._address("one", changeset.pk))
        return self._page(request, "upload", form=form, title=_("Import a file"))

    def _received(self, request: HttpRequest, form: UploadForm) -> Changeset:
        file = form.cleaned_data["file"]
        changeset = Changeset.objects.create(
            noun=form.cleaned_data["noun"],
            reason=form.cleaned_data["reason"],
            file=file,
            file_name=Path(file.name).name[:200],
            created_by_id=request.user.pk,
        )
        changeset.sha256 = sha256_of(Path(changeset.file.path))
        return changeset

    def _understand(self, changeset: Changeset) -> None:
        """Find out how the file is written and what its columns are; raise UnreadableFile."""
        file = Path(changeset.file.path)
        layout = detect(file, [*NOUNS[changeset.noun]().columns, REASON])
        table = open_table(file, layout)
        changeset.layout = layout.as_json()
        changeset.mapping = suggest(changeset.noun, table)
        changeset.save()

    # One changeset, at whatever stage it is.

    def one_view(self, request: HttpRequest, number: int) -> HttpResponse:
        changeset = self._own(request, number)
        if changeset.is_working:
            return self._working(request, changeset)
        if changeset.state == ChangesetState.APPLIED:
            return self._applied(request, changeset)
        if request.method == "POST" and "discard" in request.POST:
            changeset.discard()
            messages.success(request, _("The file is forgotten; nothing was written."))
            return HttpResponseRedirect(self._address("changelist"))
        if changeset.kind == ChangesetKind.UNDO:
            return self._undoing(request, changeset)
        if not set(_nouns(changeset)) <= set(importable(request)):
            raise PermissionDenied
        if changeset.state == ChangesetState.CHECKED:
            return self._checked(request, changeset)
        return self._mapping(request, changeset)

    def _again(self, changeset: Changeset) -> HttpResponseRedirect:
        return HttpResponseRedirect(self._address("one", changeset.pk))

    # How it is written, and what its columns are.

    def _mapping(self, request: HttpRequest, changeset: Changeset) -> HttpResponse:
        file = Path(changeset.file.path)
        layout = Layout.from_json(changeset.layout)
        form = LayoutForm(layout, sheets(file), request.POST if "layout" in request.POST else None)
        problem = ""
        try:
            if "layout" in request.POST and form.is_valid():
                return self._lay_out(changeset, form.corrected())
            table = open_table(file, layout)
            words = words_of(table)
            if request.method == "POST" and "layout" not in request.POST:
                return self._map(request, changeset, table, words)
            shown = first_rows(file, layout, layout.header_row + 8)
        except UnreadableFile as error:
            problem, table, words, shown = str(error), None, {}, []
        except BadMapping as error:
            messages.error(request, str(error))
            return self._again(changeset)
        nouns = importable(request)
        return self._page(
            request,
            "mapping",
            changeset=changeset,
            form=form,
            layout=layout,
            problem=problem,
            table=table,
            shown=list(enumerate(shown, start=1)),
            nouns=noun_rows(changeset.mapping, words) if table else [],
            unused=_unused(changeset, table) if table else [],
            missing=_missing(changeset, table) if table else [],
            codes=CODES,
            addable=[(noun, noun_label(noun)) for noun in nouns],
            saved=[*built_in(), *Mapping.objects.values_list("name", flat=True)],
            title=_("Import %(name)s: its columns") % {"name": changeset.file_name},
        )

    def _lay_out(self, changeset: Changeset, layout: Layout) -> HttpResponse:
        """Take the editor's word for how the file is written; suggest its columns anew."""
        table = open_table(Path(changeset.file.path), layout)
        changeset.layout = layout.as_json()
        changeset.mapping = suggest(changeset.noun, table)
        changeset.save()
        return self._again(changeset)

    def _map(
        self, request: HttpRequest, changeset: Changeset, table: Table, words: dict[str, list[str]]
    ) -> HttpResponse:
        if "load" in request.POST:
            changeset.mapping = self._loaded(request)
        else:
            before = changeset.mapping
            data = read_form(before, request.POST, words)
            added = request.POST.get("add-noun", "")
            if added in importable(request):
                data["nouns"][-1] = by_names(added, table)
            changeset.mapping = as_drafts(data) if "drafts" in request.POST else data
        mapping = FileMapping(changeset.mapping)
        self._require_nouns(request, changeset)
        changeset.save(update_fields=["mapping"])
        if "save" in request.POST:
            self._save_mapping(request, mapping)
        if "check" in request.POST:
            if missing := mapping.missing(table.columns):
                raise BadMapping(
                    _("The file has no column %(names)s.") % {"names": ", ".join(missing)}
                )
            start_check(changeset)
        return self._again(changeset)

    def _require_nouns(self, request: HttpRequest, changeset: Changeset) -> None:
        if not set(_nouns(changeset)) <= set(importable(request)):
            raise BadMapping(_("You may not import all of these nouns."))

    def _loaded(self, request: HttpRequest) -> dict[str, Any]:
        """Return the mapping that was chosen, or uploaded as JSON."""
        if file := request.FILES.get("json"):
            try:
                found = json.loads(file.read(1 << 20))
            except ValueError as error:
                raise BadMapping(_("This is no JSON: %(error)s.") % {"error": error}) from error
            if not isinstance(found, dict):
                raise BadMapping(_("This is no mapping."))
            return found
        name = request.POST.get("saved", "")
        if name in (own := built_in()):
            return own[name]
        saved = Mapping.objects.filter(name=name).first()
        if saved is None:
            raise BadMapping(_("Choose a mapping, or a file that holds one."))
        return dict(saved.mapping)

    def _save_mapping(self, request: HttpRequest, mapping: FileMapping) -> None:
        if not mapping.name:
            raise BadMapping(_("Give the mapping a name to save it by."))
        data = {**mapping.data, "countries": {}, "aliases": []}
        Mapping.objects.update_or_create(
            name=mapping.name, defaults={"mapping": data, "saved_by_id": request.user.pk}
        )
        messages.success(request, _("Saved as “%(name)s”.") % {"name": mapping.name})

    # What it would do.

    def _checked(self, request: HttpRequest, changeset: Changeset) -> HttpResponse:
        if request.method == "POST":
            return self._decide(request, changeset)
        try:
            with Plan.open(plan_path(changeset)) as plan:
                return self._preview(request, changeset, plan)
        except FileNotFoundError:
            start_check(changeset)
            return self._again(changeset)

    def _preview(self, request: HttpRequest, changeset: Changeset, plan: Plan) -> HttpResponse:
        totals = totals_of(changeset)
        counted = {
            Outcome.REFUSED: totals.get("refused", 0),
            Outcome.CHANGED: totals.get("updated", 0),
            Outcome.NEW: totals.get("created", 0),
            "likely": totals.get("likely", 0),
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
        return self._page(
            request,
            "preview",
            changeset=changeset,
            counts=table_of(changeset),
            kinds=kinds,
            kind=kind,
            page=page,
            rows=rows,
            unknown=plan.unknown(),
            refused=totals.get("refused", 0),
            writes=totals.get("created", 0) + totals.get("updated", 0),
            title=_("Import %(name)s: what it would do") % {"name": changeset.file_name},
        )

    def _decide(self, request: HttpRequest, changeset: Changeset) -> HttpResponse:
        if "back" in request.POST:
            changeset.state = ChangesetState.UPLOADED
            changeset.message = ""
            changeset.save(update_fields=["state", "message"])
        elif "countries" in request.POST:
            self._decide_countries(request, changeset)
        elif "apply" in request.POST:
            totals = totals_of(changeset)
            if totals.get("refused") or not (totals.get("created") or totals.get("updated")):
                raise PermissionDenied
            changeset.reason = request.POST.get("reason", "").strip()[:1000]
            changeset.save(update_fields=["reason"])
            start_apply(changeset)
        elif "recheck" in request.POST:
            start_check(changeset)
        return self._again(changeset)

    def _decide_countries(self, request: HttpRequest, changeset: Changeset) -> None:
        """Take the editor's word for what the file's unknown countries are."""
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
        if aliases and "aliases" not in importable(request):
            wrong.append(_("You may not import all of these nouns."))
            aliases = []
        for message in wrong:
            messages.error(request, message)
        changeset.mapping = {**mapping, "countries": countries, "aliases": aliases}
        changeset.save(update_fields=["mapping"])
        if not wrong:
            start_check(changeset)

    def refused_view(self, request: HttpRequest, number: int) -> HttpResponseBase:
        """Answer with the file's refused rows as CSV, with what is wrong in a column of its own."""
        changeset = self._own(request, number)
        if changeset.state != ChangesetState.CHECKED or not changeset.file:
            raise Http404
        table = open_table(Path(changeset.file.path), Layout.from_json(changeset.layout))
        header = [*_own(table, table.columns), REASON]
        name = f"refused-{Path(changeset.file_name).stem}.csv"
        return StreamingHttpResponse(
            (line.encode() for line in csv_lines(header, _refused(changeset, table))),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{_plain_name(name)}"'},
        )

    def mapping_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Answer with the changeset's mapping as JSON."""
        changeset = self._own(request, number)
        name = _plain_name(f"mapping-{changeset.pk}.json")
        return JsonResponse(
            changeset.mapping,
            json_dumps_params={"indent": 2, "ensure_ascii": False},
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    # While a job is at work.

    def _working(self, request: HttpRequest, changeset: Changeset) -> HttpResponse:
        if request.method == "POST" and "stop" in request.POST:
            call_off(changeset)
            return self._again(changeset)
        return self._page(
            request,
            "working",
            changeset=changeset,
            progress=progress_of(changeset),
            title=str(changeset),
        )

    def progress_view(self, request: HttpRequest, number: int) -> JsonResponse:
        """Answer with how far the job is: state, done, total, rate, seconds left."""
        changeset = self._own(request, number)
        said = progress_of(changeset) if changeset.is_working else None
        return JsonResponse(
            {"state": changeset.state, "is_working": changeset.is_working, **(said or {})}
        )

    # What it did, and back.

    def _applied(self, request: HttpRequest, changeset: Any) -> HttpResponse:
        may_undo = self.may_undo(request) and not changeset.is_undone
        if request.method == "POST":
            if "undo" in request.POST and may_undo:
                by = undoing(changeset, user=request.user)
                by.state = ChangesetState.CHECKED
                by.save()
                return self._again(by)
            if request.POST.keys() & {"list", "unlist"} and self._may_list(request):
                changeset.listed = "list" in request.POST
                changeset.save(update_fields=["listed"])
                return self._again(changeset)
            raise PermissionDenied
        return self._page(
            request,
            "applied",
            changeset=changeset,
            **self._records(request, changeset),
            counts=table_of(changeset),
            undone_by=Changeset.objects.applied().filter(undoes=changeset).first(),
            may_undo=may_undo,
            may_list=self._may_list(request),
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
        model: Any = NOUNS[NOUN_CALLED[shown]]._meta.model
        versions = model.history.filter(changeset=changeset).order_by("history_id")
        page = Paginator(versions, PER_PAGE).get_page(request.GET.get("page"))
        records = model._default_manager.in_bulk([version.id for version in page.object_list])
        return {
            "kinds": [(name, noun_label(NOUN_CALLED[name])) for name in written],
            "kind": shown,
            "page": page,
            "records": [
                (version, records.get(version.id), f"admin:allies_{shown}_history")
                for version in page.object_list
            ],
        }

    def _may_list(self, request: HttpRequest) -> bool:
        return request.user.has_perm("allies.publish_event")

    def _undoing(self, request: HttpRequest, changeset: Changeset) -> HttpResponse:
        if not self.may_undo(request):
            raise PermissionDenied
        assert changeset.undoes is not None
        also = set(changeset.mapping.get("also", []))
        if request.method == "POST":
            chosen = request.POST.getlist("also")
            changeset.mapping = {"also": ["all"] if "all" in chosen else chosen}
            changeset.reason = request.POST.get("reason", "").strip()[:1000]
            changeset.save(update_fields=["mapping", "reason"])
            if "apply" in request.POST:
                start_apply(changeset)
            return self._again(changeset)
        problem, report = "", None
        try:
            report = look_at_undo(changeset=changeset.undoes, also=frozenset(also))
        except NotUndone as error:
            problem = str(error)
        return self._page(
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
            title=str(changeset),
        )

    def _page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        return TemplateResponse(
            request,
            f"admin/allies/changeset/{template}.html",
            {**self.admin_site.each_context(request), "opts": self.model._meta, **context},
        )


def _nouns(changeset: Changeset) -> list[str]:
    """Return the nouns a changeset's mapping writes."""
    data = changeset.mapping
    found = [part.get("noun", "") for part in [*data.get("nouns", []), *data.get("records", [])]]
    if data.get("aliases"):
        found.append("aliases")
    return found or [changeset.noun]


def _unused(changeset: Changeset, table: Table) -> list[str]:
    used = set(FileMapping(changeset.mapping).columns) if changeset.mapping.get("nouns") else set()
    return [name for name in table.columns if name not in used]


def _missing(changeset: Changeset, table: Table) -> list[str]:
    if not changeset.mapping.get("nouns"):
        return []
    return FileMapping(changeset.mapping).missing(table.columns)


def _refused(changeset: Changeset, table: Table) -> Iterator[list[str]]:
    """Yield the file's refused rows, as they stand in it, each with its reasons."""
    with Plan.open(plan_path(changeset)) as plan:
        reasons = plan.reasons()
        wanted = next(reasons, None)
        for row in table.rows():
            if wanted is None:
                return
            if row.number == wanted[0]:
                yield [*_own(table, row.cells), "; ".join(wanted[1])]
                wanted = next(reasons, None)


def _own(table: Table, cells: Sequence[str]) -> list[str]:
    """Return a row's cells without the reason an earlier refusal gave."""
    return [cell for name, cell in zip(table.columns, cells, strict=True) if name != REASON]


def _plain_name(name: str) -> str:
    """Return a file name that may stand in a header: letters, digits, dots and hyphens."""
    return "".join(
        char if (char.isalnum() and char.isascii()) or char in ".-_" else "-" for char in name
    )
