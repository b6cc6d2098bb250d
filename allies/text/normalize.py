"""Folding: the form of a text in which "Côte d’Ivoire" and "cote d'ivoire" are one."""

import re
import unicodedata
from hashlib import sha256

#: Signs inside a word or an abbreviation: "D.P.R.K." is "DPRK".
_INSIDE = re.compile(r"[.'’ʼ‘`´]")
_GAP = re.compile(r"[\W_]+")


def normalize_text(text: str) -> str:
    """Return the text without case, accents and punctuation, its words parted by single spaces."""
    decomposed = unicodedata.normalize("NFKD", _INSIDE.sub("", text).replace("&", " and "))
    letters = "".join(char for char in decomposed if not unicodedata.combining(char))
    return _GAP.sub(" ", letters.casefold()).strip()


#: Longest key that is kept as it is: an index holds it in every database, whatever its signs.
_MAX_KEY_LENGTH = 200
#: What stands between a headline and the outlet: "Stand by me? – DW – 06/20/2024".
_SEPARATORS = re.compile(r"\s+[-–—|•·»:]+\s+")
_DIGITS = re.compile(r"[\d ]+")


def truncate_key(text: str) -> str:
    """Return a key of a length that an index holds: the text, or its beginning and a hash."""
    if len(text) <= _MAX_KEY_LENGTH:
        return text
    return f"{text[: _MAX_KEY_LENGTH - 40]}{sha256(text.encode()).hexdigest()[:40]}"


def title_key(title: str, publisher: str) -> str:
    """Return the folded title without the outlet's name and the day a page puts behind it."""
    parts, outlet = _SEPARATORS.split(title), normalize_text(publisher)
    while len(parts) > 1 and _is_suffix(normalize_text(parts[-1]), outlet):
        parts.pop()
    return truncate_key(normalize_text(" ".join(parts)))


def _is_suffix(folded: str, outlet: str) -> bool:
    if not folded or _DIGITS.fullmatch(folded):
        return True
    # "BBC" of "BBC News" and the other way round, whole words only.
    return bool(outlet) and (
        f"{folded} ".startswith(f"{outlet} ") or f"{outlet} ".startswith(f"{folded} ")
    )
