"""The footnotes of a page: every source that its texts cite, numbered through the whole page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from allies.models import Source
from allies.text.markdown import CitationMark, RenderedMarkdown, cited_keys, render_markdown


@dataclass
class Footnote:
    """A place in a source: its number, and how often the page refers to it."""

    number: int
    source: Source
    locator: str
    reference_count: int = 0

    @property
    def references(self) -> list[str]:
        """The ids of the references to this note, in order of appearance."""
        return [self._reference(time) for time in range(1, self.reference_count + 1)]

    def add_reference(self) -> str:
        """Count one more reference to this note; return its id."""
        self.reference_count += 1
        return self._reference(self.reference_count)

    def _reference(self, time: int) -> str:
        return f"note-ref-{self.number}" + (f"-{time}" if time > 1 else "")


class FootnoteNumbering:
    """Numbers the notes of one page in the order in which its texts are shown.

    ``texts`` are all texts that the page may show. Their sources are then read with one query, or
    none if nothing is cited. Readers do not see the number of a source that is not public; a
    ``preview`` shows "[?]" instead. If ``sources`` (by key) are given, only these are used.
    """

    def __init__(
        self,
        texts: Iterable[str] = (),
        *,
        preview: bool = False,
        sources: Mapping[str, Source] | None = None,
    ) -> None:
        self.preview = preview
        #: The notes so far; a page lists them after its last text.
        self.cited: list[Footnote] = []
        self._notes: dict[CitationMark, Footnote] = {}
        self._sources: dict[str, Source] = dict(sources or {})
        #: Keys used in the texts → the current keys of their sources.
        self._current: dict[str, str] = {}
        self._may_look = sources is None
        self._looked_for: set[str] = set()
        self._find_source({key for text in texts for key in cited_keys(text)})

    def html(self, text: str) -> SafeString:
        """Return a text as HTML, with the numbers of its notes."""
        prose = render_markdown(text)
        self._find_source({mark.key for marks in prose.marks for mark in marks})
        return mark_safe("".join(self._pieces(prose)))  # noqa: S308 - cleaned by allies.text.markdown

    def _pieces(self, prose: RenderedMarkdown) -> Iterable[str]:
        for part, marks in zip(prose.parts, prose.marks, strict=False):
            yield part.rstrip()  # no space between the word and the number
            yield self._numbers(marks)
        yield prose.parts[-1]

    def _numbers(self, marks: list[CitationMark]) -> str:
        shown = [number for mark in marks if (number := self._number(mark))]
        if not shown:
            return ""
        return format_html(
            '<sup class="note-ref">{}</sup>', format_html_join(", ", "{}", zip(shown, strict=True))
        )

    def _number(self, mark: CitationMark) -> str:
        source = self._sources.get(mark.key)
        if source is None:
            if not self.preview:
                return ""
            return format_html('<span class="note-hidden" title="{}">[?]</span>', mark.key)
        mark = mark._replace(key=self._current.get(mark.key, mark.key))
        note = self._notes.get(mark)
        if note is None:
            note = self._notes[mark] = Footnote(len(self.cited) + 1, source, mark.locator)
            self.cited.append(note)
        return format_html(
            '<a href="#note-{}" id="{}">{}</a>', note.number, note.add_reference(), note.number
        )

    def _find_source(self, keys: set[str]) -> None:
        new = keys - self._looked_for
        if new and self._may_look:
            self._looked_for |= new
            public = Source.objects.published().select_related("link_health")
            found = public.by_key(new)
            self._sources |= found
            self._current |= {key: source.key for key, source in found.items()}


def localized_texts(records: Iterable[Model], *names: str) -> Iterable[str]:
    """Yield the named texts of records, in the reader's language."""
    for record in records:
        for name in names:
            yield getattr(record, name)


def citation_notes(records: Iterable[Any]) -> Iterable[str]:
    """Yield the notes of the citations that are shown with the records."""
    for record in records:
        yield from localized_texts(record.shown_citations, "note")
