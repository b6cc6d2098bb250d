"""Texts that run from right to left, inside pages that run from left to right (Unicode UAX #9).

Without isolation, a title in Arabic moves the date that follows it: "20 June 2024" becomes "20" on
one side of the title and "June 2024" on the other.
"""

import re
import unicodedata

#: First strong isolate and its end: the text between them has its own direction.
FSI, PDI = "\u2068", "\u2069"

#: Characters that change the direction of what follows. They are removed where they could undo an
#: isolate.
_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")

#: An isolated part of a text.
_ISOLATED = re.compile(f"{FSI}[^{PDI}]*{PDI}?")

#: Bidirectional classes of letters that run from right to left, and of Arabic digits.
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})


def has_rtl(text: str) -> bool:
    """Return whether a text needs isolation: it has right-to-left letters or control characters."""
    if text.isascii():
        return False
    if _CONTROLS.search(text):
        return True
    return any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in text)


def is_rtl(text: str) -> bool:
    """Return whether the first letter that has a direction runs from right to left.

    Isolated parts do not count.
    """
    if text.isascii():
        return False
    classes = map(unicodedata.bidirectional, _ISOLATED.sub("", text))
    return next((one for one in classes if one in {"L", "R", "AL"}), "L") != "L"


def isolate(text: str) -> str:
    """Return a text for use within another plain text: between FSI and PDI if it needs isolation.

    >>> isolate("Putin visits Beijing")
    'Putin visits Beijing'
    """
    return f"{FSI}{_CONTROLS.sub('', text)}{PDI}" if has_rtl(text) else text


def strip_isolates(text: str) -> str:
    """Return a text without FSI and PDI, for data that others process."""
    return text.replace(FSI, "").replace(PDI, "")
