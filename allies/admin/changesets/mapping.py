"""How an uploaded file is written, and what its columns are."""

from contextlib import suppress

from django.contrib import messages
from django.http import (
    HttpRequest,
    HttpResponse,
    JsonResponse,
)
from django.utils.translation import gettext as _

from allies.admin.changesets.counts import noun_label
from allies.admin.changesets.mapping_form import has_too_many_choices, noun_rows, read_form
from allies.admin.changesets.pages import ChangesetPages, importable, nouns_of, plain_name
from allies.admin.changesets.upload import LayoutForm
from allies.exchange.jobs import sample_of, start_check, start_reading
from allies.exchange.mapping import BadMapping, FileMapping, as_drafts
from allies.exchange.mapping_shape import MAX_MAPPING, parse_mapping
from allies.exchange.mappings import built_in, named, names
from allies.exchange.references import CODES
from allies.exchange.suggestions import by_names
from allies.exchange.tables import Sample
from allies.models import Changeset, Mapping, StateConflict


class MappingStep(ChangesetPages):
    """The page on which a file's layout and mapping are read and corrected."""

    def _mapping(self, request: HttpRequest, changeset: Changeset) -> HttpResponse:
        sample = sample_of(changeset)
        if request.method == "POST" and "read" in request.POST:
            return self._read_again(changeset, {})
        if sample is None:
            if not changeset.message:  # uploaded before there were samples
                with suppress(StateConflict):  # somebody else has just begun it
                    start_reading(changeset)
                return self.again(changeset)
            return self._page(request, changeset, problem="")
        layout = sample.layout
        form = LayoutForm(layout, sample.sheets, request.POST if "layout" in request.POST else None)
        try:
            if "layout" in request.POST and form.is_valid():
                return self._read_again(changeset, form.corrected().as_json())
            if request.method == "POST" and "layout" not in request.POST and not sample.problem:
                return self._map(request, changeset, sample)
        except BadMapping as error:
            messages.error(request, str(error))
            return self.again(changeset)
        table = None if sample.problem else sample
        nouns = noun_rows(changeset.mapping, sample.words) if table else []
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
            **(_asked_for(changeset, table) if table else {}),
            codes=CODES,
            addable=[(noun, noun_label(noun)) for noun in importable(request)],
            saved=names(),
        )

    def _page(self, request: HttpRequest, changeset: Changeset, **context: object) -> HttpResponse:
        title = _("Import %(name)s: columns") % {"name": changeset.file_name}
        return self.page(request, "mapping", changeset=changeset, title=title, **context)

    def _read_again(self, changeset: Changeset, layout: dict[str, object]) -> HttpResponse:
        """Have the file read in this layout, or found out; its columns are suggested again."""
        changeset.write(layout=layout, mapping={})
        start_reading(changeset)
        return self.again(changeset)

    def _map(self, request: HttpRequest, changeset: Changeset, table: Sample) -> HttpResponse:
        if "load" in request.POST:
            changeset.mapping = self._loaded(request)
        else:
            data = changeset.mapping
            if not has_too_many_choices(noun_rows(data, table.words), table.columns):
                data = read_form(data, request.POST, table.words)
            added = request.POST.get("add-noun", "")
            if added in importable(request):
                data["nouns"][-1] = by_names(added, table)
            changeset.mapping = as_drafts(data) if "drafts" in request.POST else data
        mapping = FileMapping(changeset.mapping)
        self._require_nouns(request, changeset)
        changeset.write(mapping=changeset.mapping)
        if "save" in request.POST:
            self._save_mapping(request, mapping)
        if "check" in request.POST:
            if missing := mapping.missing(table.columns):
                raise BadMapping(
                    _("The file has no column %(names)s.") % {"names": ", ".join(missing)}
                )
            start_check(changeset)
        return self.again(changeset)

    def _require_nouns(self, request: HttpRequest, changeset: Changeset) -> None:
        if not set(nouns_of(changeset)) <= set(importable(request)):
            raise BadMapping(_("You don’t have permission to import all of these record types."))

    def _loaded(self, request: HttpRequest) -> dict[str, object]:
        """Return the mapping that was chosen, or uploaded as JSON."""
        if file := request.FILES.get("json"):
            return parse_mapping(file.read(MAX_MAPPING + 1))
        if (chosen := named(request.POST.get("saved", ""))) is None:
            raise BadMapping(_("Choose a mapping, or a file that contains one."))
        return chosen

    def _save_mapping(self, request: HttpRequest, mapping: FileMapping) -> None:
        if not mapping.name:
            raise BadMapping(_("Name the mapping before you save it."))
        if mapping.name in built_in():
            raise BadMapping(_("A built-in mapping has this name. Choose another name."))
        others = Mapping.objects.filter(name=mapping.name).exclude(saved_by=request.user.pk)
        if others.exists():
            raise BadMapping(
                _("Someone else has saved a mapping under this name. Choose another name.")
            )
        data = {**mapping.data, "countries": {}, "aliases": []}
        Mapping.objects.update_or_create(
            name=mapping.name, defaults={"mapping": data, "saved_by_id": request.user.pk}
        )
        messages.success(request, _("Saved as “%(name)s”.") % {"name": mapping.name})

    def mapping_view(self, request: HttpRequest, number: int) -> HttpResponse:
        """Answer with the changeset's mapping as JSON."""
        changeset = self.own(request, number)
        name = plain_name(f"mapping-{changeset.pk}.json")
        return JsonResponse(
            changeset.mapping,
            json_dumps_params={"indent": 2, "ensure_ascii": False},
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def _asked_for(changeset: Changeset, table: Sample) -> dict[str, list[str]]:
    """Return the columns a mapping leaves unused, and those it asks for in vain."""
    if not changeset.mapping.get("nouns"):
        return {"unused": table.columns, "missing": []}
    mapping = FileMapping(changeset.mapping)
    unused = [name for name in table.columns if name not in mapping.columns]
    return {"unused": unused, "missing": mapping.missing(table.columns)}
