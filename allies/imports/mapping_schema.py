"""Validate the JSON of a mapping: its structure, and the record types and fields it names."""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from allies.imports.references import COUNTRY_CODES
from allies.imports.resources import RESOURCES
from allies.models.translation import SUFFIXES

SOURCES = ("column", "constant", "text", "date")
ORDERS = ("dmy", "mdy", "ymd")
PRECISIONS = ("year", "month")

#: What a condition may ask of its column, in addition to the values in ``is``.
CONDITIONS = ("starts", "ends", "has", "from", "to", "longest", "per")

#: Maximum nesting of specs, and maximum length of a list or object in a mapping.
DEPTH, PARTS = 8, 5000


#: The largest file with a mapping, in bytes.
MAX_MAPPING_BYTES = 1 << 20
#: Maximum number of record types per row, and of records in addition to the rows.
MAX_NOUNS, MAX_RECORDS = 20, 1000
#: Maximum number of names that keep their spelling in one field, and of entries in ``replaces``.
MAX_NAMES, MAX_REPLACES = 1000, 20

#: NUL and lone UTF-16 surrogates: no database stores them as text.
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")


class InvalidMapping(ValueError):
    """A mapping that cannot be used; the exception's text says why."""


def parse_mapping(content: bytes) -> dict[str, object]:
    """Return the mapping in a JSON file; raise InvalidMapping if it is not one."""
    if len(content) > MAX_MAPPING_BYTES:
        raise InvalidMapping(
            _("The file is larger than %(limit)d MB. A mapping is only a few KB.")
            % {"limit": MAX_MAPPING_BYTES >> 20}
        )
    try:
        found = json.loads(content, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise InvalidMapping(_("The mapping is nested too deeply.")) from error
    except ValueError as error:
        raise InvalidMapping(_("Not valid JSON: %(error)s.") % {"error": error}) from error
    if not isinstance(found, dict):
        raise InvalidMapping(_("This file is not a mapping."))
    validate_mapping(found)
    return found


def _refuse_constant(name: str) -> None:
    raise InvalidMapping(_("%(name)s cannot be stored as a number.") % {"name": name})


def validate_mapping(data: Any) -> None:
    """Raise InvalidMapping if this is not a mapping, or names unknown record types or fields."""
    _refuse_unwritable(data)
    _require_known_keys(data, ("name", "records", "nouns", "countries", "aliases"), _("mapping"))
    _validate_shape(data, "name", _is_text)
    _validate_shape(data, "records", _is_list)
    _validate_shape(data, "nouns", _is_list)
    _validate_shape(data, "countries", _is_table_of_texts)
    _validate_shape(data, "aliases", _is_list_of_texts)
    if not data.get("nouns"):
        raise InvalidMapping(_("The mapping names no record type."))
    for name, limit in (("nouns", MAX_NOUNS), ("records", MAX_RECORDS)):
        if len(data.get(name, [])) > limit:
            raise InvalidMapping(
                _("“%(name)s” in the mapping has more than %(limit)d parts.")
                % {"name": name, "limit": limit}
            )
    for noun in data["nouns"]:
        _check_noun(noun)
    for record in data.get("records", []):
        _require_known_keys(record, ("noun", "cells"), _("record"))
        _known_noun(record.get("noun"))
        _validate_shape(record, "cells", _is_table)
        _known_fields(record["noun"], record.get("cells", {}))
        if not record.get("cells"):
            raise InvalidMapping(_("A record in the mapping has no cells."))


def _refuse_unwritable(data: Any) -> None:
    """Raise InvalidMapping if any text or number in it cannot be stored in the database."""
    left, level = [data], 0
    while left:
        level += 1
        if level > DEPTH * 4:
            raise InvalidMapping(_("The mapping is nested too deeply."))
        below: list[Any] = []
        for value in left:
            if isinstance(value, Mapping):
                below += [*value.keys(), *value.values()]
            elif isinstance(value, list):
                below += value
            elif isinstance(value, str) and (found := _UNWRITABLE.search(value)):
                text = _UNWRITABLE.sub("\ufffd", value)[:80]
                raise InvalidMapping(
                    _("“%(text)s” contains a character that cannot be stored: U+%(code)04X.")
                    % {"text": text, "code": ord(found[0])}
                )
            elif isinstance(value, float) and not math.isfinite(value):
                _refuse_constant(str(value))
        left = below


def _check_noun(noun: Any) -> None:
    _require_known_keys(noun, ("noun", "fields", "only_new", "replaces", "when"), _("record type"))
    _known_noun(noun.get("noun"))
    if not isinstance(noun.get("fields"), Mapping):
        raise InvalidMapping(_("“%(name)s” has the wrong type.") % {"name": "fields"})
    _validate_shape(noun, "only_new", _is_list_of_texts)
    _known_fields(noun["noun"], noun["fields"])
    _known_fields(noun["noun"], noun.get("only_new", []))
    if when := noun.get("when"):
        _check_condition(when, needs=())
    for spec in noun["fields"].values():
        _check_spec(spec, 0)
    _check_replaces(noun)


def _check_replaces(noun: Mapping[str, Any]) -> None:
    """Check the earlier values: their specs, and that the mapping feeds each of the fields."""
    _validate_shape(noun, "replaces", _is_list_of_mappings)
    earlier = noun.get("replaces", [])
    if len(earlier) > MAX_REPLACES:
        raise InvalidMapping(
            _("“%(name)s” in the mapping has more than %(limit)d parts.")
            % {"name": "replaces", "limit": MAX_REPLACES}
        )
    references = {field.column_name for field, _cell in RESOURCES[noun["noun"]]().references()}
    possible = noun["fields"].keys() - references
    if unknown := sorted({name for values in earlier for name in values} - possible):
        raise InvalidMapping(
            _("“replaces” can only name fields of the mapping that are no references: %(names)s.")
            % {"names": ", ".join(unknown)}
        )
    for values in earlier:
        for spec in values.values():
            _check_spec(spec, 0)


def _check_condition(condition: Any, *, needs: tuple[str, ...], more: tuple[str, ...] = ()) -> None:
    _require_known_keys(condition, ("column", "is", *more), _("condition"))
    _validate_shape(condition, "column", _is_text)
    for name in ("is", "starts", "ends", "has"):
        _validate_shape(condition, name, _is_list_of_texts)
    for name in ("from", "to", "per"):
        _validate_shape(condition, name, _is_text)
    _validate_shape(condition, "longest", _is_number)
    if missing := [name for name in ("column", *needs) if name not in condition]:
        raise InvalidMapping(_("A condition needs: %(names)s.") % {"names": ", ".join(missing)})


def _check_spec(spec: Any, depth: int) -> None:
    if depth > DEPTH:
        raise InvalidMapping(_("The mapping is nested too deeply."))
    _require_known_keys(spec, tuple(_VALIDATORS), _("field"))
    for name, is_right in _VALIDATORS.items():
        _validate_shape(spec, name, is_right)
    if len([name for name in SOURCES if name in spec]) != 1:
        raise InvalidMapping(
            _("A field needs exactly one of: %(sources)s.") % {"sources": ", ".join(SOURCES)}
        )
    if spec.get("order", "dmy") not in ORDERS:
        raise InvalidMapping(
            _("The order of a date must be one of: %(orders)s.") % {"orders": ", ".join(ORDERS)}
        )
    if spec.get("country", "any") not in (*COUNTRY_CODES, "any"):
        raise InvalidMapping(
            _("Match countries by one of: %(codes)s.")
            % {"codes": ", ".join((*COUNTRY_CODES, "any"))}
        )
    if "date" in spec and not 1 <= len(spec["date"]) <= 3:
        raise InvalidMapping(_("A date needs the columns of year, month and day."))
    if "by_if" in spec:
        _check_condition(spec["by_if"], needs=("is",))
    for condition in (*as_list(spec.get("when")), *as_list(spec.get("unless"))):
        _check_condition(condition, needs=(), more=CONDITIONS)
    if spec.get("precision", "year") not in PRECISIONS:
        raise InvalidMapping(
            _("The precision of a date must be one of: %(names)s.")
            % {"names": ", ".join(PRECISIONS)}
        )
    if len(spec.get("sentence", [])) > MAX_NAMES:
        raise InvalidMapping(
            _("“%(name)s” in the mapping has more than %(limit)d parts.")
            % {"name": "sentence", "limit": MAX_NAMES}
        )
    if "part" in spec:
        _check_part(spec["part"])
    if "gather" in spec:
        _check_gather(spec)
    for own in spec.get("with", {}).values():
        _check_spec(own, depth + 1)
    for one in as_list(spec.get("else")):
        _check_spec(one, depth + 1)


def as_list(value: Any) -> list[Any]:
    """Return the parts of a key that can have one or a list of them, or be missing."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _check_part(part: Mapping[str, Any]) -> None:
    _require_known_keys(part, ("by", "number"), "part")
    if not (_is_text(part.get("by")) and part["by"] and _is_number(part.get("number"))):
        raise InvalidMapping(_("“part” needs a separator, “by”, and a “number” from 1."))


def _check_gather(spec: Mapping[str, Any]) -> None:
    gather = spec["gather"]
    _require_known_keys(gather, ("per", "first", "language"), "gather")
    if (
        "column" not in spec
        or not _is_text(gather.get("per"))
        or not _is_number(gather.get("first"))
        or gather.get("language") not in SUFFIXES
    ):
        raise InvalidMapping(
            _("“gather” needs a column, “per”, “first” and a language: %(languages)s.")
            % {"languages": ", ".join(SUFFIXES)}
        )


# Types of values.


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= PARTS * 10


def _is_plain(value: object) -> bool:
    return isinstance(value, (str, int, float))


def _is_list(value: object) -> bool:
    return isinstance(value, list) and len(value) <= PARTS


def _is_list_of_texts(value: Any) -> bool:
    return _is_list(value) and all(map(_is_text, value))


def _is_table(value: Any) -> bool:
    return _is_mapping(value) and all(map(_is_plain, value.values()))


def _is_table_of_texts(value: Any) -> bool:
    return _is_table(value) and all(map(_is_text, value.values()))


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping) and len(value) <= PARTS


def _is_list_of_mappings(value: Any) -> bool:
    return _is_list(value) and all(map(_is_mapping, value))


def _is_mapping_or_list(value: Any) -> bool:
    return _is_mapping(value) or _is_list_of_mappings(value)


#: The keys that a field's spec may have, and the check of each value.
_VALIDATORS: dict[str, Callable[[Any], bool]] = {
    "column": _is_text,
    "constant": _is_plain,
    "text": _is_text,
    "date": _is_list_of_texts,
    "else": _is_mapping_or_list,
    "with": _is_mapping,
    "nothing": _is_list_of_texts,
    "before": _is_list_of_texts,
    "part": _is_mapping,
    "values": _is_table,
    "sentence": _is_list_of_texts,
    "longest": _is_number,
    "order": _is_text,
    "precision": _is_text,
    "country": _is_text,
    "gather": _is_mapping,
    "by_if": _is_mapping,
    "when": _is_mapping_or_list,
    "unless": _is_mapping_or_list,
    "cut": _is_number,
}


def _validate_shape(data: Mapping[str, object], name: str, is_right: Callable[[Any], bool]) -> None:
    if name in data and not is_right(data[name]):
        raise InvalidMapping(_("“%(name)s” has the wrong type.") % {"name": name})


def _require_known_keys(data: object, known: tuple[str, ...], what: str) -> None:
    if not isinstance(data, Mapping):
        raise InvalidMapping(_("This file is not a mapping: %(what)s.") % {"what": what})
    if unknown := [name for name in data if name not in known]:
        raise InvalidMapping(
            _("Unknown in the %(what)s: %(names)s. Allowed: %(known)s.")
            % {"what": what, "names": ", ".join(map(str, unknown)), "known": ", ".join(known)}
        )


def _known_noun(noun: Any) -> None:
    if not _is_text(noun) or noun not in RESOURCES:
        raise InvalidMapping(
            _("There is no record type “%(noun)s”. Record types: %(nouns)s.")
            % {"noun": noun, "nouns": ", ".join(RESOURCES)}
        )


def _known_fields(noun: str, fields: Iterable[str]) -> None:
    columns = RESOURCES[noun]().columns
    if unknown := [name for name in fields if name not in columns]:
        raise InvalidMapping(
            _("%(noun)s have no %(names)s. Columns: %(columns)s.")
            % {"noun": noun, "names": ", ".join(unknown), "columns": ", ".join(columns)}
        )
