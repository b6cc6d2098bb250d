"""Validate the JSON of a mapping: its structure, and the record types and fields it names."""

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from allies.imports.mapping_shapes import (
    DEPTH,
    InvalidMapping,
    as_list,
    is_list,
    is_list_of_mappings,
    is_list_of_texts,
    is_mapping,
    is_number,
    is_table,
    is_table_of_texts,
    is_text,
    is_true,
    limit_length,
    require_known_fields,
    require_known_noun,
    validate_shape,
    validate_shapes,
)
from allies.imports.mapping_spec_schema import check_condition, check_spec
from allies.imports.resources import RESOURCES
from allies.models import Alliance, ParticipationRole
from allies.models.fields import EDTFField
from allies.text.edtf import UnreadableDate, bounds

#: The largest file with a mapping, in bytes.
MAX_MAPPING_BYTES = 1 << 20
#: Maximum number of record types per row, and of records in addition to the rows.
MAX_NOUNS, MAX_RECORDS = 20, 1000
#: Maximum number of entries in ``replaces``, in ``same``, and in ``moves``.
MAX_REPLACES = 20

#: NUL and lone UTF-16 surrogates: no database stores them as text.
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")

_MAPPING: dict[str, Callable[[Any], bool]] = {
    "name": is_text,
    "terms": is_table_of_texts,
    "records": is_list,
    "nouns": is_list,
    "countries": is_table_of_texts,
    "aliases": is_list_of_texts,
}

_NOUN: dict[str, Callable[[Any], bool]] = {
    "noun": lambda value: True,  # see require_known_noun
    "fields": is_mapping,
    "when": is_mapping,
    "once_per": is_text,
    "continued": is_mapping,
    "only_new": is_list_of_texts,
    "only_empty": is_list_of_texts,
    "more_precise": is_list_of_texts,
    "replaces": is_list_of_mappings,
    "same": is_list_of_mappings,
    "existence": is_mapping,
    "only_differing": is_true,
}

_RECORD: dict[str, Callable[[Any], bool]] = {
    "noun": _NOUN["noun"],
    "cells": is_table,
    "replaces": is_list_of_mappings,
}

_SAME: dict[str, Callable[[Any], bool]] = {
    "equal": is_list_of_texts,
    "values": is_mapping,
    "compatible": is_list_of_texts,
    "name": is_true,
    "members": is_mapping,
    "overlaps": is_list_of_texts,
    "successors": is_true,
    "counts": is_mapping,
    "tolerance": lambda value: value == 0 or is_number(value),
    "schemes": is_list_of_texts,
}

_CONTINUED: dict[str, Callable[[Any], bool]] = {
    "within": is_text,
    "per": is_text,
    "period": is_list_of_texts,
    "most": is_list_of_texts,
}

_EXISTENCE: dict[str, Callable[[Any], bool]] = {
    "moves": is_list_of_mappings,
    "allowed": is_list_of_texts,
    "otherwise": lambda value: value in ("report", "refuse", "leave-out"),
}


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
    validate_shapes(data, _MAPPING, _("mapping"))
    if not data.get("nouns"):
        raise InvalidMapping(_("The mapping names no record type."))
    limit_length(data, "nouns", MAX_NOUNS)
    limit_length(data, "records", MAX_RECORDS)
    for noun in data["nouns"]:
        _check_noun(noun)
    for record in data.get("records", []):
        _check_record(record)


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


def _check_record(record: Any) -> None:
    validate_shapes(record, _RECORD, _("record"))
    require_known_noun(record.get("noun"))
    if not record.get("cells"):
        raise InvalidMapping(_("A record in the mapping has no cells."))
    require_known_fields(record["noun"], record["cells"])
    for values in _checked_replaces(record, record["cells"]):
        validate_shape({"replaces": values}, "replaces", is_table)


def _check_noun(noun: Any) -> None:
    validate_shapes(noun, _NOUN, _("record type"))
    require_known_noun(noun.get("noun"))
    if "fields" not in noun:
        raise InvalidMapping(_("“%(name)s” has the wrong type.") % {"name": "fields"})
    require_known_fields(noun["noun"], noun["fields"])
    for name in ("only_new", "only_empty", "more_precise"):
        require_known_fields(noun["noun"], noun.get(name, []))
    if when := noun.get("when"):
        check_condition(when, needs=())
    for spec in noun["fields"].values():
        check_spec(spec)
    for values in _checked_replaces(noun, noun["fields"]):
        for spec in values.values():
            check_spec(spec)
    limit_length(noun, "same", MAX_REPLACES)
    for rule in noun.get("same", []):
        _check_same(noun, rule)
    if "continued" in noun:
        _check_continued(noun)
    if "existence" in noun:
        _check_existence(noun)
    if noun.get("only_differing") and not RESOURCES[noun["noun"]].compared_period:
        raise _not_for(noun, "only_differing")


def _checked_replaces(
    part: Mapping[str, Any], fields: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """Return the earlier values; the mapping must feed each of their fields."""
    earlier: list[Mapping[str, Any]] = part.get("replaces", [])
    limit_length(part, "replaces", MAX_REPLACES)
    references = {field.column_name for field, _cell in RESOURCES[part["noun"]]().references()}
    possible = fields.keys() - references
    if unknown := sorted({name for values in earlier for name in values} - possible):
        raise InvalidMapping(
            _("“replaces” can only name fields of the mapping that are no references: %(names)s.")
            % {"names": ", ".join(unknown)}
        )
    return earlier


def _check_same(noun: Mapping[str, Any], rule: Any) -> None:
    """Check a rule by which existing records are recognised."""
    validate_shapes(rule, _SAME, "same")
    resource = RESOURCES[noun["noun"]]
    named = [*rule.get("equal", []), *rule.get("compatible", []), *rule.get("overlaps", [])]
    if unknown := sorted({name for name in named if name not in noun["fields"]}):
        raise InvalidMapping(
            _("“same” can only name fields of the mapping: %(names)s.")
            % {"names": ", ".join(unknown)}
        )
    if bool(rule.get("equal")) == bool(rule.get("name")):
        raise InvalidMapping(_("“same” needs either “equal” or “name”."))
    if not set(rule.get("values", {})) <= set(rule.get("equal", [])):
        raise InvalidMapping(_("In “same”, “values” can only name fields of “equal”."))
    for key, is_possible in (
        ("name", resource._meta.model is Alliance),
        ("members", hasattr(resource._meta.model, "memberships")),
        ("overlaps", resource.period == tuple(rule.get("overlaps", []))),
        ("successors", resource.period),
        ("counts", hasattr(resource._meta.model, "participations")),
    ):
        if key in rule and not is_possible:
            raise _not_for(noun, key)
    if not set(rule.get("counts", {})) <= set(ParticipationRole.values):
        raise InvalidMapping(_("“%(name)s” has the wrong type.") % {"name": "counts"})
    counts = rule.get("counts", {}).values()
    for spec in [*rule.get("values", {}).values(), *as_list(rule.get("members")), *counts]:
        check_spec(spec)


def _check_continued(noun: Mapping[str, Any]) -> None:
    """Check the rule by which rows are joined to one record."""
    rule = validate_shapes(noun["continued"], _CONTINUED, "continued")
    if missing := [name for name in ("within", "per", "period") if name not in rule]:
        raise InvalidMapping(
            _("“%(key)s” needs: %(names)s.") % {"key": "continued", "names": ", ".join(missing)}
        )
    named = {*rule["period"], *rule.get("most", [])}
    if len(rule["period"]) != 2 or not named <= noun["fields"].keys():
        raise InvalidMapping(_("“%(name)s” has the wrong type.") % {"name": "continued"})


def _check_existence(noun: Mapping[str, Any]) -> None:
    """Check the rule for countries on days on which they did not exist."""
    rule = validate_shapes(noun["existence"], _EXISTENCE, "existence")
    if not RESOURCES[noun["noun"]].day_of_existence:
        raise _not_for(noun, "existence")
    limit_length(rule, "moves", MAX_REPLACES)
    shapes = dict.fromkeys(("country", "to", "since", "until"), is_text)
    for move in rule.get("moves", []):
        validate_shapes(move, shapes, "moves")
        if not move.get("country") or not move.get("to"):
            raise InvalidMapping(_("Each of “moves” needs “country” and “to”."))
        for name in ("since", "until"):
            try:
                bounds(EDTFField().to_python(move.get(name, "")))
            except (UnreadableDate, ValidationError) as error:
                raise InvalidMapping(
                    _("“%(name)s” in “moves” is no date.") % {"name": name}
                ) from error


def _not_for(noun: Mapping[str, Any], key: str) -> InvalidMapping:
    return InvalidMapping(
        _("“%(key)s” cannot be used for %(noun)s.") % {"key": key, "noun": noun["noun"]}
    )
