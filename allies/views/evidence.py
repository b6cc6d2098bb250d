"""What speaks for and against a record, as its page shows it."""

from typing import Any

from django.db.models import Prefetch

from allies.models import Citation


def with_citations(queryset: Any) -> Any:
    """Annotate the counts and fetch the citations readers may see, as ``shown_citations``."""
    citations = Citation.objects.from_published_sources().for_reading()
    return queryset.with_evidence().prefetch_related(
        Prefetch("citations", citations, to_attr="shown_citations")
    )
