"""Checks that public records have published sources, and that their pages show them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import OperationalError, ProgrammingError
from django.db.models import Model
from django.test import RequestFactory
from django.urls import resolve
from django.utils import translation
from django.utils.translation import gettext as _

from allies.evidence.guards import EVIDENCED_MODELS, published_but_unsupported
from allies.models import Alliance, AllyList, Citation, Entry, Event, Status
from allies.models.translation import SUFFIXES

#: Maximum number of warnings of the system check.
MAX_NAMED = 10


@dataclass(frozen=True)
class UnsupportedRecord:
    """A record with the status published that does not lead readers to a source, and why."""

    record: Model
    why: str

    def __str__(self) -> str:
        return f"{self.record._meta.model_name} {self.record.pk} “{self.record}”: {self.why}"


def find_unsupported() -> Iterator[UnsupportedRecord]:
    """Yield records marked as published that no published source supports; constant memory."""
    why = _("no published source supports it")
    for model in EVIDENCED_MODELS:
        for record in published_but_unsupported(model).iterator():
            yield UnsupportedRecord(record, why)
    entries = Entry.objects.filter(ally_list__status=Status.PUBLISHED)
    lost = entries.exclude(pk__in=Entry.objects.supported().values("pk"))
    for entry in lost.select_related("ally_list", "country").iterator():
        yield UnsupportedRecord(entry, why)


def find_hidden_evidence() -> Iterator[UnsupportedRecord]:
    """Yield public records whose page lacks a link to one of their sources, in some language.

    It renders every page, so it takes as long as visiting them all.
    """
    for model, path in ((Alliance, "alliance"), (Event, "event"), (AllyList, "entry__ally_list")):
        for record in model.objects.published().iterator():
            citations = Citation.objects.published().supporting().filter(**{path: record})
            sources = {citation.source for citation in citations.select_related("source")}
            for language in SUFFIXES:
                if problem := _page_problem(record, sources, language):
                    yield UnsupportedRecord(record, problem)


def _page_problem(record: Any, sources: set[Any], language: str) -> str:
    with translation.override(language):
        address = record.get_absolute_url()
        match = resolve(address)
        request = RequestFactory().get(address)
        request.resolver_match = match
        request.LANGUAGE_CODE = language
        response = match.func(request, *match.args, **match.kwargs)
        text = response.render().content.decode()
        missing = [s.key for s in sources if f'href="{s.get_absolute_url()}"' not in text]
    if not missing:
        return ""
    return _("its page (%(language)s) does not show: %(sources)s") % {
        "language": language,
        "sources": ", ".join(sorted(missing)),
    }


@register(Tags.database)
def check_public_records_have_sources(**options: object) -> list[CheckMessage]:
    """Warn of records marked as published without a source; part of `check --database default`.

    It is only a warning, because readers do not see such records, and an import may create them.
    """
    if not options.get("databases"):
        return []
    try:
        losses = [loss for loss, _n in zip(find_unsupported(), range(MAX_NAMED), strict=False)]
    except (OperationalError, ProgrammingError):
        return []  # before the first migration there are no tables
    return [
        Warning(
            str(loss),
            hint="Cite a published source that supports it, or withdraw it.",
            id="allies.W002",
        )
        for loss in losses
    ]
