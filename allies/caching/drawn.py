"""Parts of pages that depend on a few values and on nothing else, drawn once for the same values.

After an edit every page is a new one, and nearly all of its rows and figures are what they were. A
part is known by the values it is drawn of, so there is nothing to forget when the content changes.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, ParamSpec

from django.conf import settings
from django.utils.safestring import SafeString
from django.utils.translation import get_language

Values = ParamSpec("Values")


def drawn_once(kept: int) -> Callable[[Callable[Values, SafeString]], Callable[Values, SafeString]]:
    """Decorate a function that draws of its arguments and in the active language.

    All arguments must be hashable, equal only if what is drawn of them is equal. The ``kept``
    drawings that were asked for last are remembered; none while templates are being worked on, nor
    one that is asked for with its arguments named.
    """

    def decorate(draw: Callable[Values, SafeString]) -> Callable[Values, SafeString]:
        plain: Callable[..., SafeString] = draw

        @lru_cache(kept)
        def remembered(language: str | None, values: Any) -> SafeString:
            return plain(*values)

        @wraps(draw)
        def drawn(*values: Values.args, **named: Values.kwargs) -> SafeString:
            if settings.DEBUG or named:
                return draw(*values, **named)
            return remembered(get_language(), values)

        return drawn

    return decorate
