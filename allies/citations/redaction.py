"""Prepare Markdown texts for readers: remove hidden sources, and update the keys of the others."""

from functools import cached_property

from allies.models import Source
from allies.text.markdown import cited_keys, with_current_keys


class CitationRedactor:
    """Replaces the keys of cited sources with their current keys, and removes hidden sources.

    Citations of unknown keys are removed too. One query for any number of texts; none if nothing is
    cited.
    """

    @cached_property
    def _current(self) -> dict[str, str]:
        return Source.objects.published().current_keys()

    def __call__(self, text: str) -> str:
        return with_current_keys(text, self._current) if cited_keys(text) else text
