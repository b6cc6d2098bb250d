"""Mappings by name: those that come with the project, and those that editors have saved."""

import json
from pathlib import Path

from django.utils.translation import gettext as _

from allies.imports.mapping import InvalidMapping
from allies.models import Mapping

BUILT_IN = Path(__file__).parent


def built_in_mappings() -> dict[str, dict[str, object]]:
    """Return the project's own mappings: file name without extension → mapping."""
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(BUILT_IN.glob("*.json"))
    }


def load_mapping(name: str) -> dict[str, object]:
    """Return the mapping of this name: a JSON file, one of the project's, or a saved one.

    Raises InvalidMapping if there is none.
    """
    path = Path(name)
    if path.suffix == ".json" and path.is_file():
        try:
            data: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InvalidMapping(_("Not valid JSON: %(error)s.") % {"error": error}) from error
        return data
    found = find_mapping(name)
    if found is None:
        raise InvalidMapping(
            _("There is no mapping “%(name)s”. Mappings: %(names)s.")
            % {"name": name, "names": ", ".join(mapping_names())}
        )
    return found


def mapping_names() -> list[str]:
    """Return the names of the project's own mappings and of the saved ones."""
    return [*built_in_mappings(), *Mapping.objects.values_list("name", flat=True)]


def find_mapping(name: str) -> dict[str, object] | None:
    """Return the project's own or the saved mapping of this name, if there is one."""
    if found := built_in_mappings().get(name):
        return found
    saved = Mapping.objects.filter(name=name).first()
    return dict(saved.mapping) if saved else None
