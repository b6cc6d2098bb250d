"""Texts as readers may have them raw: what they cite is named only where it is public."""

from functools import cached_property

from allies.models import Source
from allies.prose import keys_in, without_marks


class PublicText:
    """Leaves out of texts the marks of sources readers may not see.

    However many texts it is given, it costs one query, and none where nothing is cited.
    """

    @cached_property
    def _public(self) -> set[str]:
        return set(Source.objects.published().values_list("key", flat=True))

    def __call__(self, text: str) -> str:
        keys = keys_in(text)
        return without_marks(text, keys - self._public) if keys else text
