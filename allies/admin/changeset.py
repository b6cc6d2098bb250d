"""Changesets in the admin: files are uploaded, mapped, previewed, applied and undone."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
)
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from allies.actions.changeset_access import ChangesetAccess
from allies.admin.changesets.applied import AppliedPageMixin
from allies.admin.changesets.base import importable_resources, mapped_resources
from allies.admin.changesets.counts import model_label
from allies.admin.changesets.mapping_page import MappingPageMixin
from allies.admin.changesets.preview import PreviewPageMixin
from allies.admin.changesets.proposal import ProposalPageMixin
from allies.admin.changesets.upload import UploadForm
from allies.history.steps import parse_id
from allies.http.body_limits import accepts_imports
from allies.imports.own_csv import sha256_of
from allies.imports.progress import get_progress
from allies.imports.shared_files import share_file
from allies.imports.tasks import cancel, discard, load_sample, reap_stale, start_reading
from allies.models import BACKGROUND_KINDS, Changeset, ChangesetKind, ChangesetState, StateConflict
from allies.models.changeset import names_of

if TYPE_CHECKING:
    from allies.models.changeset import ChangesetQuerySet

log = logging.getLogger(__name__)


class MineFilter(admin.SimpleListFilter):
    """The user's own changesets that need attention."""

    title = gettext_lazy("task")
    parameter_name = "attention"

    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Changeset]"
    ) -> list[tuple[str, Any]]:
        return [
            ("failed", gettext_lazy("my failed imports")),
            ("declined", gettext_lazy("my declined proposals")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> "ChangesetQuerySet":
        own = queryset.filter(created_by=request.user.pk)
        if self.value() == "failed":
            return own.failed()
        if self.value() == "declined":
            return own.declined()
        return queryset


class NamedChangeList(ChangeList):
    """A page of changesets with ``shown_name``: the record that each is about, and its own name."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        names = names_of(self.result_list)
        for changeset in self.result_list:
            changeset.shown_name = names[changeset.pk]


@admin.register(Changeset)
class ChangesetAdmin(MappingPageMixin, PreviewPageMixin, AppliedPageMixin, ProposalPageMixin):
    """Changesets, from the upload of a file to its undo."""

    list_display = ("shown_name", "kind", "shown_state", "shown_counts", "created_by", "created_at")
    list_filter = (MineFilter, "kind", "state")
    search_fields = ("file_name", "reason")
    list_select_related = ("created_by",)
    list_per_page = 50
    change_list_template = "admin/allies/changeset/list.html"
    show_full_result_count = False

    # Permissions.

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        access = ChangesetAccess(request.user)
        return bool(access) if obj is None else access.allows(obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(importable_resources(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> "ChangesetQuerySet":
        return Changeset.objects.with_undone().filter(ChangesetAccess(request.user).condition())

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NamedChangeList

    @admin.display(description=gettext_lazy("changeset"))
    def shown_name(self, changeset: Any) -> str:
        return str(changeset.shown_name)

    @admin.display(description=gettext_lazy("status"), ordering="state")
    def shown_state(self, changeset: Any) -> str:
        return _("undone") if changeset.is_undone else changeset.get_state_display()

    @admin.display(description=gettext_lazy("counts"))
    def shown_counts(self, changeset: Changeset) -> str:
        return changeset.summary()

    # URLs.

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            ("", self.detail_view, "one"),
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

    def change_view(
        self, request: HttpRequest, object_id: str, *args: object, **kwargs: object
    ) -> HttpResponseRedirect:
        number = parse_id(object_id)
        if number is None:
            raise Http404
        return HttpResponseRedirect(self.page_url("one", number))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        reap_stale()
        return super().changelist_view(request, extra_context)

    # Upload.

    @accepts_imports(importable_resources)
    def add_view(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        nouns = importable_resources(request)
        if not nouns:
            raise PermissionDenied
        initial = {"noun": request.GET.get("noun", nouns[0])}
        form = UploadForm(nouns, request.POST or None, request.FILES or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            try:
                changeset = self._create_from_upload(request, form)
            except OSError:
                log.exception("An upload could not be stored.")
                said = _("The file cannot be stored: the disk is full or read-only.")
                form.add_error("file", said)
                return self.render_page(request, "upload", form=form, title=_("Import a file"))
            start_reading(changeset)
            return self.redirect_to_page(changeset)
        return self.render_page(request, "upload", form=form, title=_("Import a file"))

    def _create_from_upload(self, request: HttpRequest, form: UploadForm) -> Changeset:
        file = form.cleaned_data["file"]
        with transaction.atomic():
            changeset = Changeset.objects.create(
                noun=form.cleaned_data["noun"],
                reason=form.cleaned_data["reason"],
                file=file,
                file_name=Path(file.name).name[:200],
                created_by_id=request.user.pk,
            )
            path = Path(changeset.file.path)
            changeset.compare_and_set(sha256=sha256_of(path))
            share_file(changeset, path)
        return changeset

    # The page of a changeset, in every state.

    def detail_view(self, request: HttpRequest, number: int) -> HttpResponse:
        changeset = self.get_own_or_404(request, number)
        if request.method != "POST":
            return self._changeset_page(request, changeset)
        try:
            with transaction.atomic():
                return self._changeset_page(request, changeset)
        except StateConflict as conflict:
            messages.warning(request, " ".join(conflict.messages))
            is_there = Changeset.objects.filter(pk=number).exists()
            address = self.page_url("one", number) if is_there else self.page_url("changelist")
            return HttpResponseRedirect(address)

    def _changeset_page(self, request: HttpRequest, changeset: Changeset) -> HttpResponse:
        if changeset.is_working:
            return self._progress_page(request, changeset)
        if changeset.state == ChangesetState.APPLIED:
            return self._applied(request, changeset)
        if changeset.kind not in BACKGROUND_KINDS:
            return self._proposal(request, changeset)
        if request.method == "POST" and "discard" in request.POST:
            discard(changeset)
            messages.success(request, _("File discarded. Nothing was changed."))
            return HttpResponseRedirect(self.page_url("changelist"))
        if changeset.kind == ChangesetKind.UNDO:
            return self._undoing(request, changeset)
        if not set(mapped_resources(changeset)) <= set(importable_resources(request)):
            raise PermissionDenied
        if changeset.state == ChangesetState.CHECKED:
            return self._checked(request, changeset)
        return self._mapping(request, changeset)

    # Progress of a background job.

    def _progress_page(self, request: HttpRequest, changeset: Changeset) -> HttpResponse:
        if request.method == "POST" and "stop" in request.POST:
            cancel(changeset)
            return self.redirect_to_page(changeset)
        return self.render_page(
            request,
            "progress",
            changeset=changeset,
            progress=_progress(changeset),
            is_read=changeset.kind != ChangesetKind.IMPORT or load_sample(changeset) is not None,
            title=str(changeset),
        )

    def progress_view(self, request: HttpRequest, number: int) -> JsonResponse:
        """Return the progress of the job as JSON: state, done, total, rate, seconds left."""
        changeset = self.get_own_or_404(request, number)
        said = _progress(changeset) if changeset.is_working else None
        return JsonResponse(
            {"state": changeset.state, "is_working": changeset.is_working, **(said or {})}
        )


def _progress(changeset: Changeset) -> dict[str, Any] | None:
    """Return the progress of the job, with the record type in words."""
    said = get_progress(changeset)
    return {**said, "noun": model_label(said["noun"])} if said else None
