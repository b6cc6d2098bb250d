"""What speaks for and against a record, as its page shows it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db.models import Prefetch

from allies.models import Citation, Source

if TYPE_CHECKING:
    from typing import Any, TypeVar

    from allies.models.citation import EvidencedQuerySet

    Cited = TypeVar("Cited", bound=EvidencedQuerySet[Any])


def with_citations(queryset: "Cited") -> "Cited":
    """Annotate the counts and fetch the citations readers may see, as ``shown_citations``."""
    citations = Citation.objects.from_published_sources().for_display()
    return queryset.with_evidence().prefetch_related(
        Prefetch("citations", citations, to_attr="shown_citations")
    )


@dataclass
class SourceGroup:
    """What goes back to one origin, and counts as one independent source.

    ``original`` is that source, None where readers may not see it; ``own`` is what is cited from
    it, ``repeated`` what is cited from sources that republish it or draw on it.
    """

    original: Source | None
    own: list[Citation] = field(default_factory=list)
    repeated: list[Citation] = field(default_factory=list)

    def finish(self) -> None:
        """Let the first stand for an original that readers may not see."""
        if self.original is None and self.repeated:
            first = self.repeated[0].source_id
            self.own = [citation for citation in self.repeated if citation.source_id == first]
            self.repeated = [c for c in self.repeated if c.source_id != first]


@dataclass
class StanceGroup:
    """All that speaks for a record, or against it."""

    stance: str
    groups: list[SourceGroup]


def group_by_stance(citations: Iterable[Citation]) -> list[StanceGroup]:
    """Group citations by stance and then by origin, in the order in which they first appear.

    They come from ``for_display``, so that this costs no query.
    """
    found: dict[str, dict[int, SourceGroup]] = {}
    for citation in citations:
        source = citation.source
        origin = source.origin or source
        voices = found.setdefault(citation.stance, {})
        if origin.pk not in voices:
            voices[origin.pk] = SourceGroup(origin if origin.is_published else None)
        voice = voices[origin.pk]
        (voice.own if source.pk == origin.pk else voice.repeated).append(citation)
    for voices in found.values():
        for voice in voices.values():
            voice.finish()
    return [StanceGroup(stance, list(voices.values())) for stance, voices in found.items()]
