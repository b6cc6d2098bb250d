"""The notes of a page: every source its texts cite, numbered through the whole page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from allies.models import Source
from allies.prose import Mark, Prose, keys_in, read


@dataclass
class Note:
    """A source at one place in it: its number, and how often the page refers to it."""

    number: int
    source: Source
    locator: str
    times: int = 0

    @property
    def references(self) -> list[str]:
        """The ids of the places that refer to this note, in their order."""
        return [self._reference(time) for time in range(1, self.times + 1)]

    def refer(self) -> str:
        """Count one more place that refers to this note; return its id."""
        self.times += 1
        return self._reference(self.times)

    def _reference(self, time: int) -> str:
        return f"note-ref-{self.number}" + (f"-{time}" if time > 1 else "")


class Notes:
    """Numbers the notes of one page in the order its texts are shown.

    ``texts`` are all the page may show, so that their sources cost one query together, and none
    where nothing is cited. Readers see nothing of a source that is not public; a ``preview`` says
    that there is one. Where ``sources`` are given, by key, there are no others.
    """

    def __init__(
        self,
        texts: Iterable[str] = (),
        *,
        preview: bool = False,
        sources: Mapping[str, Source] | None = None,
    ) -> None:
        self.preview = preview
        #: The notes so far: a page lists them after its last text.
        self.cited: list[Note] = []
        self._notes: dict[Mark, Note] = {}
        self._sources: dict[str, Source] = dict(sources or {})
        #: Keys in the texts, each with the current key of its source.
        self._current: dict[str, str] = {}
        self._may_look = sources is None
        self._looked_for: set[str] = set()
        self._look_for({key for text in texts for key in keys_in(text)})

    def html(self, text: str) -> SafeString:
        """Return a text as HTML, with the numbers of its notes."""
        prose = read(text)
        self._look_for({mark.key for marks in prose.marks for mark in marks})
        return mark_safe("".join(self._pieces(prose)))  # noqa: S308 - cleaned by allies.prose

    def _pieces(self, prose: Prose) -> Iterable[str]:
        for part, marks in zip(prose.parts, prose.marks, strict=False):
            yield part.rstrip()  # the number stands at the word
            yield self._numbers(marks)
        yield prose.parts[-1]

    def _numbers(self, marks: list[Mark]) -> str:
        shown = [number for mark in marks if (number := self._number(mark))]
        if not shown:
            return ""
        return format_html(
            '<sup class="note-ref">{}</sup>', format_html_join(", ", "{}", zip(shown, strict=True))
        )

    def _number(self, mark: Mark) -> str:
        source = self._sources.get(mark.key)
        if source is None:
            if not self.preview:
                return ""
            return format_html('<span class="note-hidden" title="{}">[?]</span>', mark.key)
        mark = mark._replace(key=self._current.get(mark.key, mark.key))
        note = self._notes.get(mark)
        if note is None:
            note = self._notes[mark] = Note(len(self.cited) + 1, source, mark.locator)
            self.cited.append(note)
        return format_html(
            '<a href="#note-{}" id="{}">{}</a>', note.number, note.refer(), note.number
        )

    def _look_for(self, keys: set[str]) -> None:
        new = keys - self._looked_for
        if new and self._may_look:
            self._looked_for |= new
            public = Source.objects.published().select_related("link_health")
            found = public.by_key(new)
            self._sources |= found
            self._current |= {key: source.key for key, source in found.items()}


def prose_of(records: Iterable[Model], *names: str) -> Iterable[str]:
    """Yield these texts of records, as the reader's language shows them."""
    for record in records:
        for name in names:
            yield getattr(record, name)


def prose_of_citations(records: Iterable[Any]) -> Iterable[str]:
    """Yield the notes of the citations that are shown with records."""
    for record in records:
        yield from prose_of(record.shown_citations, "note")
