"""Normalised text and comparison keys: "Côte d’Ivoire" and "cote d'ivoire" become the same."""

import re
import unicodedata
from hashlib import sha256

#: Characters inside a word or an abbreviation: "D.P.R.K." becomes "DPRK".
_INSIDE = re.compile(r"[.'’ʼ‘`´]")
_GAP = re.compile(r"[\W_]+")


def normalize_text(text: str) -> str:
    """Return the text without case, accents and punctuation, with single spaces between words."""
    decomposed = unicodedata.normalize("NFKD", _INSIDE.sub("", text).replace("&", " and "))
    letters = "".join(char for char in decomposed if not unicodedata.combining(char))
    return _GAP.sub(" ", letters.casefold()).strip()


#: Letters without a decomposition → the letters they are sorted as.
_SORTED_AS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "þ": "th", "æ": "ae", "œ": "oe"}
)


def sort_key(text: str) -> str:
    """Return a key that sorts names as dictionaries do: "Åland" under A, "Côte" before "Cu…".

    Compare keys by their characters, not by a collation of the database. Accents, case and
    punctuation do not matter; a space comes before all letters and digits.
    """
    return normalize_text(text).translate(_SORTED_AS)


def split_names(text: str) -> list[str]:
    """Return the names in a text that separates them with semicolons.

    >>> split_names("Leeds, Brett Ashley; Ritter, Jeffrey")
    ['Leeds, Brett Ashley', 'Ritter, Jeffrey']
    """
    return [name for part in text.split(";") if (name := part.strip())]


#: Longest key that is stored unchanged. Every database can index it, whatever its characters.
_MAX_KEY_LENGTH = 200
#: Separators between a headline and the outlet: "Russia's allies – DW – 06/20/2024".
_SEPARATORS = re.compile(r"\s+[-–—|•·»:]+\s+")
_DIGITS = re.compile(r"[\d ]+")


def truncate_key(text: str) -> str:
    """Return a key short enough to be indexed: the text, or its beginning and a hash."""
    if len(text) <= _MAX_KEY_LENGTH:
        return text
    return f"{text[: _MAX_KEY_LENGTH - 40]}{sha256(text.encode()).hexdigest()[:40]}"


def title_key(title: str, publisher: str) -> str:
    """Return the normalised title, without the outlet's name and the date at its end."""
    parts, outlet = _SEPARATORS.split(title), normalize_text(publisher)
    while len(parts) > 1 and _is_suffix(normalize_text(parts[-1]), outlet):
        parts.pop()
    return truncate_key(normalize_text(" ".join(parts)))


def _is_suffix(folded: str, outlet: str) -> bool:
    if not folded or _DIGITS.fullmatch(folded):
        return True
    # "BBC" matches "BBC News" and the other way round; whole words only.
    return bool(outlet) and (
        f"{folded} ".startswith(f"{outlet} ") or f"{outlet} ".startswith(f"{folded} ")
    )
