"""A list of allies as an article: who wrote it, when, and what it found."""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

from allies.evidence.verdict import list_verdict
from allies.history.publication_dates import publication_dates

#: What separates the names in a byline, in English and Indonesian.
_BETWEEN_NAMES = re.compile(r"\s*(?:[,;&]|\band\b|\bdan\b)\s*")


@dataclass(frozen=True)
class Article:
    """The byline, dates and verdict of a list; a draft has no dates."""

    byline: str
    verdict: str
    published: dt.datetime | None
    updated: dt.datetime | None

    @property
    def authors(self) -> list[str]:
        """The names in the byline."""
        return [name for name in _BETWEEN_NAMES.split(self.byline) if name]


def build_article(ally_list: Any, *, is_draft: bool = False) -> Article:
    """Return a list as an article; it needs ``shown_entries`` with their evidence.

    The queries are those of ``publication_dates``; none for a draft.
    """
    dates = None if is_draft else publication_dates([ally_list])[ally_list.pk]
    return Article(
        byline=ally_list.byline,
        verdict=list_verdict(ally_list, ally_list.shown_entries),
        published=dates.published if dates else None,
        updated=dates.updated if dates else None,
    )
