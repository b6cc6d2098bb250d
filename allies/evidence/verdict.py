"""The verdict on a list of allies in one sentence, from its entries and their evidence."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from allies.models import AllyList, Entry
from allies.models.ally_list import headline_count_text
from allies.text.name_lists import list_in_words
from allies.text.numbers import count_in_words

#: Up to this many disputed allies are named.
MAX_NAMED = 3


def list_verdict(ally_list: AllyList, entries: Sequence[Any]) -> str:
    """Return how many allies could be verified, and how many of them are disputed; no query.

    ``entries`` are the public entries of the list, with ``disputes`` and their country.
    """
    present = len(entries)
    if not present:
        return headline_count_text(ally_list.promised, present)
    verified = headline_count_text(ally_list.promised, present) or capfirst(
        ngettext(
            "%(n)s ally, with at least one source.",
            "%(n)s allies, each with at least one source.",
            present,
        )
        % {"n": count_in_words(present)}
    )
    return f"{verified.removesuffix('.')}, {_disputes(entries)}."


def _disputes(entries: Sequence[Any]) -> str:
    names = [str(entry.country.name) for entry in entries if entry.disputes]
    if not names:
        return ngettext("which is not disputed", "none of them disputed", len(entries))
    if len(entries) == 1:
        return _("which is disputed")
    text = _("%(n)s of them disputed") % {"n": count_in_words(len(names))}
    if len(names) > MAX_NAMED:
        return text
    return f"{text} ({list_in_words(names)})"


def list_verdicts(lists: Iterable[AllyList]) -> dict[int, str]:
    """Return id of list → verdict; one query."""
    found = {ally_list.pk: ally_list for ally_list in lists}
    entries: dict[int, list[Any]] = defaultdict(list)
    public = Entry.objects.published().with_evidence().filter(ally_list__in=found)
    for entry in public.select_related("country").order_by_position():
        entries[entry.ally_list_id].append(entry)
    return {pk: list_verdict(ally_list, entries[pk]) for pk, ally_list in found.items()}
