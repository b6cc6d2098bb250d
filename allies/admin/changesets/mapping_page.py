"""The page with the format and the mapping of an uploaded file."""

from contextlib import suppress

from django.contrib import messages
from django.http import (
    HttpRequest,
    HttpResponse,
    JsonResponse,
)
from django.utils.translation import gettext as _

from allies.admin.changesets.base import (
    ChangesetPageBase,
    importable_resources,
    mapped_resources,
    safe_file_name,
)
from allies.admin.changesets.counts import model_label
from allies.admin.changesets.mapping_form import build_form, has_too_many_choices, parse_form
from allies.admin.changesets.upload import FileFormatForm
from allies.imports.mapping import FileMapping, InvalidMapping, force_draft_status
from allies.imports.mapping_schema import MAX_MAPPING_BYTES, parse_mapping
from allies.imports.mapping_suggestions import map_by_names
from allies.imports.mappings import built_in_mappings, find_mapping, mapping_names
from allies.imports.references import COUNTRY_CODES
from allies.imports.tables import Sample
from allies.imports.tasks import load_sample, start_check, start_reading
from allies.models import Changeset, Mapping, StateConflict


class MappingPageMixin(ChangesetPageBase):
    """The page on which the format and the mapping of a file are shown and corrected."""

    def _mapping(self, request: HttpRequest, changeset: Changeset) -> HttpResponse:
        sample = load_sample(changeset)
        if request.method == "POST" and "read" in request.POST:
            return self._read_again(changeset, {})
        if sample is None:
            if not changeset.message:  # uploaded before samples existed
                with suppress(StateConflict):  # another request has just started it
                    start_reading(changeset)
                return self.redirect_to_page(changeset)
            return self._page(request, changeset, problem="")
        layout = sample.layout
        form = FileFormatForm(
            layout, sample.sheets, request.POST if "layout" in request.POST else None
        )
        try:
            if "layout" in request.POST and form.is_valid():
                return self._read_again(changeset, form.corrected_format().as_json())
            if request.method == "POST" and "layout" not in request.POST and not sample.problem:
                return self._map(request, changeset, sample)
        except InvalidMapping as error:
            messages.error(request, str(error))
            return self.redirect_to_page(changeset)
        table = None if sample.problem else sample
        nouns = build_form(changeset.mapping, sample.words) if table else []
        is_too_wide = has_too_many_choices(nouns, sample.columns)
        return self._page(
            request,
            changeset,
            form=form,
            layout=layout,
            problem=sample.problem,
            table=table,
            shown=list(enumerate(sample.shown, start=1)),
            nouns=[] if is_too_wide else nouns,
            is_too_wide=is_too_wide,
            **(_unused_and_missing(changeset, table) if table else {}),
            codes=COUNTRY_CODES,
            addable=[(noun, model_label(noun)) for noun in importable_resources(request)],
            saved=mapping_names(),
        )

    def _page(self, request: HttpRequest, changeset: Changeset, **context: object) -> HttpResponse:
        title = _("Import %(name)s: columns") % {"name": changeset.file_name}
        return self.render_page(request, "mapping", changeset=changeset, title=title, **context)

    def _read_again(self, changeset: Changeset, layout: dict[str, object]) -> HttpResponse:
        """Read the file again in this format, or detect it; its mapping is suggested again."""
        changeset.compare_and_set(file_format=layout, mapping={})
        start_reading(changeset)
        return self.redirect_to_page(changeset)

    def _map(self, request: HttpRequest, changeset: Changeset, table: Sample) -> HttpResponse:
        if "load" in request.POST:
            changeset.mapping = self._loaded(request)
        else:
            data = changeset.mapping
            if not has_too_many_choices(build_form(data, table.words), table.columns):
                data = parse_form(data, request.POST, table.words)
            added = request.POST.get("add-noun", "")
            if added in importable_resources(request):
                data["nouns"][-1] = map_by_names(added, table)
            changeset.mapping = force_draft_status(data) if "drafts" in request.POST else data
        mapping = FileMapping(changeset.mapping)
        self._require_nouns(request, changeset)
        changeset.compare_and_set(mapping=changeset.mapping)
        if "save" in request.POST:
            self._save_mapping(request, mapping)
        if "check" in request.POST:
            if missing := mapping.missing(table.columns):
                raise InvalidMapping(
                    _("The file has no column %(names)s.") % {"names": ", ".join(missing)}
                )
            start_check(changeset)
        return self.redirect_to_page(changeset)

    def _require_nouns(self, request: HttpRequest, changeset: Changeset) -> None:
        if not set(mapped_resources(changeset)) <= set(importable_resources(request)):
            raise InvalidMapping(
                _("You don’t have permission to import all of these record types.")
            )

    def _loaded(self, request: HttpRequest) -> dict[str, object]:
        """Return the mapping that was chosen, or uploaded as JSON."""
        if file := request.FILES.get("json"):
            return parse_mapping(file.read(MAX_MAPPING_BYTES + 1))
        if (chosen := find_mapping(request.POST.get("saved", ""))) is None:
            raise InvalidMapping(_("Choose a mapping, or a file that contains one."))
        return chosen

    def _save_mapping(self, request: HttpRequest, mapping: FileMapping) -> None:
        if not mapping.name:
            raise InvalidMapping(_("Name the mapping before you save it."))
        if mapping.name in built_in_mappings():
            raise InvalidMapping(_("A built-in mapping has this name. Choose another name."))
        others = Mapping.objects.filter(name=mapping.name).exclude(saved_by=request.user.pk)
        if others.exists():
            raise InvalidMapping(
                _("Someone else has saved a mapping under this name. Choose another name.")
            )
        data = {**mapping.data, "countries": {}, "aliases": []}
        Mapping.objects.update_or_create(
            name=mapping.name, defaults={"mapping": data, "saved_by_id": request.user.pk}
        )
        messages.success(request, _("Saved as “%(name)s”.") % {"name": mapping.name})

    def mapping_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Send the mapping of a changeset as JSON."""
        changeset = self.get_own_or_404(request, number)
        name = safe_file_name(f"mapping-{changeset.pk}.json")
        return JsonResponse(
            changeset.mapping,
            json_dumps_params={"indent": 2, "ensure_ascii": False},
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def _unused_and_missing(changeset: Changeset, table: Sample) -> dict[str, list[str]]:
    """Return the columns that a mapping does not use, and those it needs but the file lacks."""
    if not changeset.mapping.get("nouns"):
        return {"unused": table.columns, "missing": []}
    mapping = FileMapping(changeset.mapping)
    unused = [name for name in table.columns if name not in mapping.columns]
    return {"unused": unused, "missing": mapping.missing(table.columns)}
