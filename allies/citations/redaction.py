"""Texts as readers may have them raw: what they cite is named only where it is public."""

from functools import cached_property

from allies.models import Source
from allies.text.markdown import cited_keys, with_current_keys


class CitationRedactor:
    """Names sources in texts by their current keys, and leaves out those readers may not see.

    However many texts it is given, it costs one query, and none where nothing is cited.
    """

    @cached_property
    def _current(self) -> dict[str, str]:
        return Source.objects.published().current_keys()

    def __call__(self, text: str) -> str:
        return with_current_keys(text, self._current) if cited_keys(text) else text
