"""Cache of page fragments that depend on a few values only, such as a row or a chart.

After an edit every page is rendered again, although nearly all of its fragments are the same as
before. The key of a fragment is the values it is rendered from, so it never becomes outdated.
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

#: Maximum bytes of the cache, and of one fragment. Both include the values in the key.
KEPT, LONGEST = 8_000_000, 100_000

Values = TypeVarTuple("Values")


_fragments: LRUCache[tuple[Hashable, ...], tuple[SafeString, int]] = LRUCache(
    KEPT, getsizeof=itemgetter(1)
)
_lock = Lock()


def cache_fragment(draw: Callable[[*Values], SafeString]) -> Callable[[*Values], SafeString]:
    """Decorate a function that renders its arguments in the active language, and cache its results.

    All arguments must be hashable, and equal only if they give the same fragment. The least
    recently used fragments are dropped first. Nothing is cached if DEBUG is set, so that changes
    to templates show at once.
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
