"""Folding: the form of a text in which "Côte d’Ivoire" and "cote d'ivoire" are one."""

import re
import unicodedata

#: Signs inside a word or an abbreviation: "D.P.R.K." is "DPRK".
_INSIDE = re.compile(r"[.'’ʼ‘`´]")
_GAP = re.compile(r"[\W_]+")


def fold(text: str) -> str:
    """Return the text without case, accents and punctuation, its words parted by single spaces."""
    decomposed = unicodedata.normalize("NFKD", _INSIDE.sub("", text).replace("&", " and "))
    letters = "".join(char for char in decomposed if not unicodedata.combining(char))
    return _GAP.sub(" ", letters.casefold()).strip()
