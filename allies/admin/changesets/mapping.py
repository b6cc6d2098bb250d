"""How an uploaded file is written, and what its columns are."""

import json
from typing import Any

from django.contrib import messages
from django.http import (
    HttpRequest,
    HttpResponse,
    JsonResponse,
)
from django.utils.translation import gettext as _

from allies.admin.changesets.counts import noun_label
from allies.admin.changesets.mapping_form import noun_rows, read_form
from allies.admin.changesets.pages import ChangesetPages, importable, nouns_of, plain_name
from allies.admin.changesets.upload import LayoutForm
from allies.exchange.jobs import start_check, upload_of
from allies.exchange.mapping import BadMapping, FileMapping, as_drafts
from allies.exchange.mappings import built_in, named, names
from allies.exchange.reader import UnreadableFile
from allies.exchange.references import CODES
from allies.exchange.suggestions import by_names, suggest, words_of
from allies.exchange.tables import Layout, Table, first_rows, open_table, sheets
from allies.models import Changeset, Mapping


class MappingStep(ChangesetPages):
    """The page on which a file's layout and mapping are read and corrected."""

    def _mapping(self, request: HttpRequest, changeset: Changeset) -> HttpResponse:
        file = upload_of(changeset)
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
            return self.again(changeset)
        nouns = importable(request)
        return self.page(
            request,
            "mapping",
            changeset=changeset,
            form=form,
            layout=layout,
            problem=problem,
            table=table,
            shown=list(enumerate(shown, start=1)),
            nouns=noun_rows(changeset.mapping, words) if table else [],
            **(_asked_for(changeset, table) if table else {}),
            codes=CODES,
            addable=[(noun, noun_label(noun)) for noun in nouns],
            saved=names(),
            title=_("Import %(name)s: its columns") % {"name": changeset.file_name},
        )

    def _lay_out(self, changeset: Changeset, layout: Layout) -> HttpResponse:
        """Take the editor's word for how the file is written; suggest its columns anew."""
        table = open_table(upload_of(changeset), layout)
        changeset.write(layout=layout.as_json(), mapping=suggest(changeset.noun, table))
        return self.again(changeset)

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
            raise BadMapping(_("You may not import all of these nouns."))

    def _loaded(self, request: HttpRequest) -> dict[str, Any]:
        """Return the mapping that was chosen, or uploaded as JSON."""
        if file := request.FILES.get("json"):
            try:
                found = json.loads(file.read(1 << 20))
            except (ValueError, RecursionError) as error:
                raise BadMapping(_("This is no JSON: %(error)s.") % {"error": error}) from error
            if not isinstance(found, dict):
                raise BadMapping(_("This is no mapping."))
            return found
        if (chosen := named(request.POST.get("saved", ""))) is None:
            raise BadMapping(_("Choose a mapping, or a file that holds one."))
        return chosen

    def _save_mapping(self, request: HttpRequest, mapping: FileMapping) -> None:
        if not mapping.name:
            raise BadMapping(_("Give the mapping a name to save it by."))
        if mapping.name in built_in():
            raise BadMapping(_("A mapping of ours is called that: choose another name."))
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


def _asked_for(changeset: Changeset, table: Table) -> dict[str, list[str]]:
    """Return the columns a mapping leaves unused, and those it asks for in vain."""
    if not changeset.mapping.get("nouns"):
        return {"unused": table.columns, "missing": []}
    mapping = FileMapping(changeset.mapping)
    unused = [name for name in table.columns if name not in mapping.columns]
    return {"unused": unused, "missing": mapping.missing(table.columns)}
