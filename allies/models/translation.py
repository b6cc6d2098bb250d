"""Content in Indonesian and English, marked with the language it is in."""

from collections.abc import Callable
from typing import Any

from django.db.models import F, TextField, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils.translation import get_language

#: Interface language → suffix of its columns. Indonesian has the ISO 639-2 code, because ``_id``
#: would look like a foreign key.
SUFFIXES = {"en": "en", "id": "ind"}

_CODES = {suffix: code for code, suffix in SUFFIXES.items()}


def language_suffix() -> str:
    """Return the suffix of the active language's columns."""
    return _language_suffixes()[0]


def _language_suffixes() -> tuple[str, str]:
    """Return the active language's suffix and the other one."""
    return ("ind", "en") if (get_language() or "en").startswith("id") else ("en", "ind")


class LocalizedText(str):
    """A string with its language.

    ``lang`` is its BCP 47 code. ``is_fallback`` is true if the reader asked for another language.
    """

    lang: str
    is_fallback: bool

    def __new__(cls, value: str, lang: str, is_fallback: bool = False) -> "LocalizedText":
        text = super().__new__(cls, value)
        text.lang = lang
        text.is_fallback = is_fallback
        return text


class TranslatedAttribute:
    """Read ``<name>_en`` or ``<name>_ind``: the active language, else the other one.

    >>> class Event(models.Model):
    ...     title = TranslatedAttribute()
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: object, owner: type) -> Any:
        if instance is None:
            return self
        return localize(lambda suffix: getattr(instance, f"{self.name}_{suffix}"))


def localize(text_in: Callable[[str], str]) -> LocalizedText:
    """Return a text in the active language, else in the other one.

    ``text_in`` takes a language suffix and returns the text in that language.
    """
    wanted, other = _language_suffixes()
    if value := text_in(wanted):
        return LocalizedText(value, _CODES[wanted])
    value = text_in(other)
    return LocalizedText(value, _CODES[other], is_fallback=bool(value))


def localized_expression(name: str, prefix: str = "") -> Coalesce:
    """Return an expression for the value of a ``TranslatedAttribute``, to sort and filter by.

    ``prefix`` is the path to the record, such as ``country__``.
    """
    wanted, other = _language_suffixes()
    return Coalesce(
        NullIf(F(f"{prefix}{name}_{wanted}"), Value("")),
        F(f"{prefix}{name}_{other}"),
        output_field=TextField(),
    )
