"""Validate the specs of a mapping's fields, and their conditions."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from allies.imports.mapping_shapes import (
    DEPTH,
    InvalidMapping,
    as_list,
    is_list_of_texts,
    is_mapping,
    is_mapping_or_list,
    is_number,
    is_plain,
    is_table,
    is_text,
    is_true,
    limit_length,
    require_known_keys,
    validate_shape,
    validate_shapes,
)
from allies.imports.references import COUNTRY_CODES
from allies.models.translation import SUFFIXES

SOURCES = ("column", "constant", "text", "date")
ORDERS = ("dmy", "mdy", "ymd")
PRECISIONS = ("year", "month")

#: What a condition may ask of its column, in addition to the values in ``is``.
CONDITIONS = ("starts", "ends", "has", "from", "to", "longest", "per")

#: Maximum number of names that keep their spelling in one field.
MAX_NAMES = 1000

#: The keys that a field's spec may have, and the check of each value.
_SPEC: dict[str, Callable[[Any], bool]] = {
    "column": is_text,
    "constant": is_plain,
    "text": is_text,
    "date": is_list_of_texts,
    "else": is_mapping_or_list,
    "with": is_mapping,
    "nothing": is_list_of_texts,
    "before": is_list_of_texts,
    "part": is_mapping,
    "remove": is_list_of_texts,
    "digits": is_true,
    "values": is_table,
    "unlisted": is_text,
    "sentence": is_list_of_texts,
    "longest": is_number,
    "order": is_text,
    "precision": is_text,
    "country": is_text,
    "gather": is_mapping,
    "by_if": is_mapping,
    "when": is_mapping_or_list,
    "unless": is_mapping_or_list,
    "slugify": is_true,
    "cut": is_number,
}

_GATHER: dict[str, Callable[[Any], bool]] = {
    "per": is_text,
    "through": is_text,
    "file": is_text,
    "first": is_number,
    "language": lambda value: value in SUFFIXES,
    "pair": is_text,
    "join": is_text,
}


def check_condition(condition: Any, *, needs: tuple[str, ...], more: tuple[str, ...] = ()) -> None:
    require_known_keys(condition, ("column", "is", *more), _("condition"))
    validate_shape(condition, "column", is_text)
    for name in ("is", "starts", "ends", "has"):
        validate_shape(condition, name, is_list_of_texts)
    for name in ("from", "to", "per"):
        validate_shape(condition, name, is_text)
    validate_shape(condition, "longest", is_number)
    if missing := [name for name in ("column", *needs) if name not in condition]:
        raise InvalidMapping(_("A condition needs: %(names)s.") % {"names": ", ".join(missing)})


def check_spec(spec: Any, depth: int = 0) -> None:
    if depth > DEPTH:
        raise InvalidMapping(_("The mapping is nested too deeply."))
    validate_shapes(spec, _SPEC, _("field"))
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
        check_condition(spec["by_if"], needs=("is",))
    for condition in (*as_list(spec.get("when")), *as_list(spec.get("unless"))):
        check_condition(condition, needs=(), more=CONDITIONS)
    if spec.get("precision", "year") not in PRECISIONS:
        raise InvalidMapping(
            _("The precision of a date must be one of: %(names)s.")
            % {"names": ", ".join(PRECISIONS)}
        )
    limit_length(spec, "sentence", MAX_NAMES)
    if "part" in spec:
        _check_part(spec["part"])
    if "gather" in spec:
        _check_gather(spec)
    for own in spec.get("with", {}).values():
        check_spec(own, depth + 1)
    for one in as_list(spec.get("else")):
        check_spec(one, depth + 1)


def _check_part(part: Mapping[str, Any]) -> None:
    require_known_keys(part, ("by", "number"), "part")
    if not (is_text(part.get("by")) and part["by"] and is_number(part.get("number"))):
        raise InvalidMapping(_("“part” needs a separator, “by”, and a “number” from 1."))


def _check_gather(spec: Mapping[str, Any]) -> None:
    gather = validate_shapes(spec["gather"], _GATHER, "gather")
    lists = {"first", "language"} <= gather.keys() and "join" not in gather
    joins = "join" in gather and not {"first", "language", "pair"} & gather.keys()
    if (
        "column" not in spec
        or ("per" in gather) == ("through" in gather)
        or ("file" in gather and "per" not in gather)
        or not (lists or joins)
    ):
        raise InvalidMapping(
            _(
                "“gather” needs a column, “per” or “through”, and either “join”, or “first” and "
                "a language: %(languages)s."
            )
            % {"languages": ", ".join(SUFFIXES)}
        )
