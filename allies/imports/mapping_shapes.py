"""Helpers of the validation of mappings: types of values, known keys, record types and fields."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from allies.imports.resources import RESOURCES

#: Maximum nesting of specs, and maximum length of a list or object in a mapping.
DEPTH, PARTS = 8, 5000


class InvalidMapping(ValueError):
    """A mapping that cannot be used; the exception's text says why."""


def as_list(value: Any) -> list[Any]:
    """Return the parts of a key that can have one or a list of them, or be missing."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


# Types of values.


def is_text(value: object) -> bool:
    return isinstance(value, str)


def is_true(value: object) -> bool:
    return value is True


def is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= PARTS * 10


def is_plain(value: object) -> bool:
    return isinstance(value, (str, int, float))


def is_list(value: object) -> bool:
    return isinstance(value, list) and len(value) <= PARTS


def is_list_of_texts(value: Any) -> bool:
    return is_list(value) and all(map(is_text, value))


def is_table(value: Any) -> bool:
    return is_mapping(value) and all(map(is_plain, value.values()))


def is_table_of_texts(value: Any) -> bool:
    return is_table(value) and all(map(is_text, value.values()))


def is_mapping(value: object) -> bool:
    return isinstance(value, Mapping) and len(value) <= PARTS


def is_list_of_mappings(value: Any) -> bool:
    return is_list(value) and all(map(is_mapping, value))


def is_mapping_or_list(value: Any) -> bool:
    return is_mapping(value) or is_list_of_mappings(value)


# Checks; each raises InvalidMapping.


def validate_shape(data: Mapping[str, object], name: str, is_right: Callable[[Any], bool]) -> None:
    if name in data and not is_right(data[name]):
        raise InvalidMapping(_("“%(name)s” has the wrong type.") % {"name": name})


def validate_shapes(
    data: object, shapes: Mapping[str, Callable[[Any], bool]], what: str
) -> Mapping[str, Any]:
    """Return an object of a mapping that has only these keys, with values of these types."""
    found = require_known_keys(data, tuple(shapes), what)
    for name, is_right in shapes.items():
        validate_shape(found, name, is_right)
    return found


def limit_length(data: Mapping[str, Any], name: str, limit: int) -> None:
    if len(data.get(name, ())) > limit:
        raise InvalidMapping(
            _("“%(name)s” in the mapping has more than %(limit)d parts.")
            % {"name": name, "limit": limit}
        )


def require_known_keys(data: object, known: tuple[str, ...], what: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise InvalidMapping(_("This file is not a mapping: %(what)s.") % {"what": what})
    if unknown := [name for name in data if name not in known]:
        raise InvalidMapping(
            _("Unknown in the %(what)s: %(names)s. Allowed: %(known)s.")
            % {"what": what, "names": ", ".join(map(str, unknown)), "known": ", ".join(known)}
        )
    return data


def require_known_noun(noun: Any) -> None:
    if not is_text(noun) or noun not in RESOURCES:
        raise InvalidMapping(
            _("There is no record type “%(noun)s”. Record types: %(nouns)s.")
            % {"noun": noun, "nouns": ", ".join(RESOURCES)}
        )


def require_known_fields(noun: str, fields: Iterable[str]) -> None:
    columns = RESOURCES[noun]().columns
    if unknown := [name for name in fields if name not in columns]:
        raise InvalidMapping(
            _("%(noun)s have no %(names)s. Columns: %(columns)s.")
            % {"noun": noun, "names": ", ".join(unknown), "columns": ", ".join(columns)}
        )
