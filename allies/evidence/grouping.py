"""Citations of a record, grouped by stance and origin for its page."""

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
    """Annotate the evidence counts; prefetch citations of public sources as ``shown_citations``."""
    citations = Citation.objects.from_published_sources().for_display()
    return queryset.with_evidence().prefetch_related(
        Prefetch("citations", citations, to_attr="shown_citations")
    )


@dataclass
class SourceGroup:
    """Citations of sources with one origin, which together count as one independent source.

    ``original`` is the origin, or None if readers may not see it. ``own`` are citations of the
    origin itself, ``repeated`` those of sources that republish it or are derived from it.
    """

    original: Source | None
    own: list[Citation] = field(default_factory=list)
    repeated: list[Citation] = field(default_factory=list)

    def finish(self) -> None:
        """If readers may not see the original, let the first other source take its place."""
        if self.original is None and self.repeated:
            first = self.repeated[0].source_id
            self.own = [citation for citation in self.repeated if citation.source_id == first]
            self.repeated = [c for c in self.repeated if c.source_id != first]


@dataclass
class StanceGroup:
    """All citations that support a record, or all that dispute it, by origin."""

    stance: str
    groups: list[SourceGroup]


def group_by_stance(citations: Iterable[Citation]) -> list[StanceGroup]:
    """Group citations by stance and then by origin, in the order of their first citation.

    No query, if the citations come from ``for_display``.
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
