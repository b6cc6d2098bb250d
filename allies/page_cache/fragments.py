"""Parts of pages that depend on a few values and on nothing else, drawn once for the same values.

After an edit every page is a new one, and nearly all of its rows and figures are what they were. A
part is known by the values it is drawn of, so there is nothing to forget when the content changes.
"""

from collections.abc import Callable, Hashable
from functools import wraps
from operator import itemgetter
from sys import getsizeof
from threading import Lock
from typing import TypeVarTuple

from cachetools import LRUCache
from django.conf import settings
from django.urls import get_script_prefix
from django.utils.safestring import SafeString
from django.utils.translation import get_language

#: Bytes of what is remembered, with what it was drawn of; and of one drawing, at most.
KEPT, LONGEST = 8_000_000, 100_000

Values = TypeVarTuple("Values")


_fragments: LRUCache[tuple[Hashable, ...], tuple[SafeString, int]] = LRUCache(
    KEPT, getsizeof=itemgetter(1)
)
_lock = Lock()


def cache_fragment(draw: Callable[[*Values], SafeString]) -> Callable[[*Values], SafeString]:
    """Decorate a function that draws of its arguments, in the active language.

    All arguments must be hashable, equal only if what is drawn of them is equal. What was asked for
    last is remembered; nothing while templates are being worked on.
    """

    @wraps(draw)
    def drawn(*values: *Values) -> SafeString:
        if settings.DEBUG:
            return draw(*values)
        key = (draw, get_language(), get_script_prefix(), values)
        with _lock:
            kept = _fragments.get(key)
        if kept is not None:
            return kept[0]
        text = draw(*values)
        size = getsizeof(text) + getsizeof(repr(values))
        if size <= LONGEST:
            with _lock:
                _fragments[key] = (text, size)
        return text

    return drawn
