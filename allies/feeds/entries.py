"""Entries of feeds about records: changes in plain words, corrections, withdrawals."""

import datetime as dt
import heapq
import re
from collections.abc import Iterable
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

from django.db.models import Model, QuerySet
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from allies.feeds.atom import MAX_FEED_ENTRIES, FeedEntry, Tombstone
from allies.history.change_feed import record_path
from allies.history.public_changesets import corrections_with_changes
from allies.history.public_steps import ChangeSentence, PublicHistoryStep, get_public_steps_bulk
from allies.history.visibility import WithdrawnRecord, last_modified_map
from allies.models import Correction
from allies.text.bidi import has_rtl, isolate
from allies.text.edtf import format_edtf, format_start_date
from allies.text.markdown import to_plain_text

#: The first sentence of a text: up to a full stop before a capital letter, not after an initial.
_SENTENCE = re.compile(r".*?\w{3}[.!?…][”\"’)]?(?=\s+[\W\d]*[A-Z]|$)")

#: Maximum numbers of steps per entry and of sentences per step; the history page has them all.
STEPS, SENTENCES = 5, 12


@dataclass(frozen=True)
class FeedRow:
    """A row of a view for its feed, with its public history steps, newest first.

    ``about`` describes the row briefly, for readers who have not seen it before. ``author`` is
    empty if it is that of the feed.
    """

    key: str
    created_on: dt.datetime
    title: str
    url: str
    steps: list[PublicHistoryStep]
    about: SafeString | str = ""
    author: str = ""


def single_step(moment: dt.datetime, note: str = "") -> list[PublicHistoryStep]:
    """Return the history of a record that is written once and never changed."""
    return [PublicHistoryStep(moment, note, [], is_first=True)]


def feed_key(model: Any, number: int) -> str:
    """Return the key of a record in feeds, which does not change if the record is renamed."""
    return f"{model._meta.model_name}/{number}"


def latest_records(queryset: Any) -> list[Any]:
    """Return the MAX_FEED_ENTRIES last changed records of a view; their parts' changes count too.

    Runs one query per kind of part. Memory: one id and one date per row of the view.
    """
    written = last_modified_map(queryset.model, ids=queryset.order_by().values("pk"), public=True)
    newest = heapq.nlargest(MAX_FEED_ENTRIES, written, key=lambda number: (written[number], number))
    found = queryset.in_bulk(newest)
    return [found[number] for number in newest if number in found]


def build_rows(records: list[Any]) -> list[FeedRow]:
    """Return records of one model as rows of a feed."""
    steps = get_public_steps_bulk(records)
    return [
        FeedRow(
            feed_key(type(record), record.pk),
            record.created_at,
            str(record),
            record.get_absolute_url(),
            steps[record.pk],
            describe_record(record),
            getattr(record, "byline", ""),
        )
        for record in records
    ]


#: Fields with a record's date, in order of preference, and with its text.
_DATES, _TEXTS = ("date", "in_force", "signed", "date_published"), ("summary", "intro")
#: Maximum length of the excerpt of a text, in characters.
_EXCERPT_LENGTH = 300


def describe_record(record: Model) -> SafeString:
    """Return a record's kind, date and first sentence as HTML; reads no other record."""
    name, date = next(((n, found) for n in _DATES if (found := getattr(record, n, ""))), ("", ""))
    format_date = format_edtf if name == "date" else format_start_date
    kind = record.get_kind_display() if hasattr(record, "get_kind_display") else ""
    facts = " · ".join(str(fact) for fact in (kind, format_date(date)) if fact)
    text: Any = next((found for name in _TEXTS if (found := getattr(record, name, ""))), "")
    lang = format_html(' lang="{}"', text.lang) if text and text.is_fallback else ""
    if text and has_rtl(text):
        lang = format_html('{} dir="auto"', lang)
    begun = format_html("<p{}>{}</p>", lang, _first_sentence(to_plain_text(text))) if text else ""
    return format_html("{}{}", format_html("<p>{}</p>", facts) if facts else "", begun)


def _first_sentence(text: str) -> str:
    """Return the first sentence of a text, shortened to _EXCERPT_LENGTH characters."""
    sentence = _SENTENCE.match(text)
    return shorten(sentence[0] if sentence else text, _EXCERPT_LENGTH, placeholder=" …")


def newest_by_model(found: Iterable[tuple[Any, Any]]) -> list[tuple[Any, list[Any]]]:
    """Return the MAX_FEED_ENTRIES records that changed last among several models, by model.

    ``found`` holds (model, ids as a queryset).
    """
    written = (
        (moment, str(model._meta.model_name), number, model)
        for model, ids in found
        for number, moment in last_modified_map(model, ids=ids, public=True).items()
    )
    numbers: dict[Any, list[int]] = {}
    for _moment, _noun, number, model in heapq.nlargest(
        MAX_FEED_ENTRIES, written, key=lambda one: one[:3]
    ):
        numbers.setdefault(model, []).append(number)
    return [(m, list(m.objects.published().filter(pk__in=ids))) for m, ids in numbers.items()]


def build_entry(row: FeedRow) -> FeedEntry | None:
    """Return the entry of a row; None if it has no public history yet."""
    if not row.steps:
        return None
    newest, oldest = row.steps[0], row.steps[-1]
    sort = "added" if newest is oldest else "changed"
    told = format_html_join("", "{}", ((_step(step),) for step in row.steps[:STEPS]))
    html = format_html("{}{}", row.about, told)
    return FeedEntry(
        *(row.key, row.created_on, row.title, row.url, html, oldest.moment, newest.moment, sort),
        author=row.author,
    )


def _step(step: PublicHistoryStep) -> SafeString:
    said = [_("Published.")] if step.is_first else []
    more = len(step.sentences) - SENTENCES
    sentences = [
        *((text, "") for text in said),
        *((one.text, text_change_html(one)) for one in step.sentences[:SENTENCES]),
    ]
    if more > 0:
        sentences.append(
            (ngettext("and %(n)d more change", "and %(n)d more changes", more) % {"n": more}, "")
        )
    return format_html(
        "<p>{}{}</p><ul>{}</ul>",
        format_day(step.moment),
        f": {step.note}" if step.note else "",
        format_html_join("", "<li>{}{}</li>", sentences),
    )


def format_day(moment: dt.datetime) -> str:
    """Format the local date of a moment, like 19 June 2024."""
    return date_format(localtime(moment), "j F Y")


def text_change_html(sentence: ChangeSentence) -> SafeString | str:
    """Return the old and new version of a long text as HTML; "" for other changes."""
    if not (sentence.old or sentence.new):
        return ""
    return format_html(
        '<blockquote dir="auto"><del>{}</del></blockquote>'
        '<blockquote dir="auto"><ins>{}</ins></blockquote>',
        sentence.old,
        sentence.new,
    )


def correction_html(correction: Correction, sentences: Iterable[ChangeSentence]) -> SafeString:
    """Return a correction as HTML: outcome, the editors' answer, and the changes made for it."""
    return format_html(
        "<p>{}</p>{}<ul>{}</ul>",
        correction.get_outcome_display(),
        format_html('<p dir="auto">{}</p>', correction.answer) if correction.answer else "",
        format_html_join("", "<li>{}{}</li>", ((s.text, text_change_html(s)) for s in sentences)),
    )


def correction_entries(noun: str, ids: Iterable[int] | QuerySet[Model]) -> list[FeedEntry]:
    """Return the published corrections of these records, given their model's name and ids."""
    log = Correction.objects.all().published().filter(noun=noun, record_id__in=ids)
    return [
        FeedEntry(
            f"correction/{one.pk}",
            one.created_at,
            _("Corrected: %(title)s") % {"title": isolate(str(one.record))},
            one.record.get_absolute_url(),
            correction_html(one, sentences),
            one.decided_at,
            one.decided_at,
            "corrected",
        )
        for one, sentences in corrections_with_changes(log.newest_first()[:MAX_FEED_ENTRIES])
    ]


@dataclass(frozen=True)
class RemovedRow:
    """A row that left a view: its ``key``, the ``moment`` it left, and its public title and URL."""

    key: str
    created_on: dt.datetime
    title: str
    url: str
    moment: dt.datetime


def withdrawal_text(model: type[Model], gone: list[WithdrawnRecord]) -> list[RemovedRow]:
    """Return rows that say that these records were withdrawn, without their content.

    Their URLs and dates of withdrawal are public anyway.
    """
    found = []
    for one in gone[:MAX_FEED_ENTRIES]:
        address = record_path(model, one.key)
        title = _("Withdrawn: %(address)s") % {"address": address}
        found.append(
            RemovedRow(feed_key(model, one.number), one.created_at, title, address, one.moment)
        )
    return found


def removed_title(country: str) -> str:
    """Return the title of a row whose country left a list of allies."""
    return _("No longer on the list: %(country)s") % {"country": isolate(country)}


def removed_entry(one: RemovedRow) -> FeedEntry:
    """Return an entry about the removal, for feed readers that do not support tombstones."""
    said = _("Removed on %(day)s.") % {"day": format_day(one.moment)}
    html = format_html("<p>{}</p>", said)
    key = f"{one.key}/withdrawn"
    return FeedEntry(
        key, one.created_on, one.title, one.url, html, one.moment, one.moment, "withdrawn"
    )


def build_tombstone(one: RemovedRow) -> Tombstone:
    return Tombstone(one.key, one.created_on, one.moment)
