"""Parts of pages that depend on a few values and on nothing else, drawn once for the same values.

After an edit every page is a new one, and nearly all of its rows and figures are what they were. A
part is known by the values it is drawn of, so there is nothing to forget when the content changes.
"""

from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import Any, ParamSpec

from cachetools import LRUCache
from django.conf import settings
from django.utils.safestring import SafeString
from django.utils.translation import get_language

#: Letters of what is remembered, with what it was drawn of; and of one drawing, at most.
KEPT, LONGEST = 8_000_000, 100_000

Values = ParamSpec("Values")


def _size(kept: tuple[SafeString, int]) -> int:
    return kept[1]


_kept: LRUCache[Any, tuple[SafeString, int]] = LRUCache(KEPT, getsizeof=_size)
_lock = Lock()


def drawn_once(draw: Callable[Values, SafeString]) -> Callable[Values, SafeString]:
    """Decorate a function that draws of its arguments and in the active language.

    All arguments must be hashable, equal only if what is drawn of them is equal. What was asked for
    last is remembered; nothing while templates are being worked on, nor what is asked for with its
    arguments named.
    """
    plain: Callable[..., SafeString] = draw

    @wraps(draw)
    def drawn(*values: Values.args, **named: Values.kwargs) -> SafeString:
        if settings.DEBUG or named:
            return draw(*values, **named)
        key = (plain, get_language(), values)
        with _lock:
            kept = _kept.get(key)
        if kept is not None:
            return kept[0]
        text = draw(*values, **named)
        size = len(text) + len(repr(values))
        if size <= LONGEST:
            with _lock:
                _kept[key] = (text, size)
        return text

    return drawn
