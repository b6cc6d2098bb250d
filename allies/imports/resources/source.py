"""Sources as rows."""

from typing import Any

from import_export.fields import Field

from allies.evidence.guards import ensure_evidence_remains
from allies.imports.plan import Plan
from allies.imports.resources.base import (
    RecordResource,
    choice,
    date,
    reference,
    status,
    text,
    word,
)
from allies.imports.widgets import BooleanWidget
from allies.models import Source, SourceKind
from allies.models.source import validate_no_cycle


class SourceResource(RecordResource):
    noun = "sources"
    identities = (("key",),)
    self_reference = "derived_from"
    is_reference_target = True
    similarity_keys = (("url",), ("title",))
    export_order = ("key",)

    key = word("key")
    kind = choice("kind", SourceKind, default=SourceKind.NEWS)
    publisher = text("publisher")
    title = text("title")
    author = text("author")
    credit = text("credit")
    url = word("url")
    date_published = date("date_published")
    language = word("language")
    derived_from = reference("derived_from", Source, "key")
    archive_url = word("archive_url")
    doi = word("doi")
    licence = text("licence")
    redistribution = Field(
        attribute="redistribution",
        column_name="redistribution",
        widget=BooleanWidget(optional=True),
    )
    covers_from = date("covers_from")
    covers_to = date("covers_to")
    status = status()

    class Meta:
        model = Source
        fields = (
            "key",
            "kind",
            "publisher",
            "title",
            "author",
            "credit",
            "url",
            "date_published",
            "language",
            "derived_from",
            "archive_url",
            "doi",
            "licence",
            "redistribution",
            "covers_from",
            "covers_to",
            "status",
        )

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        #: Ids of the sources this file withdraws: a record may rest on two of them.
        self.withdrawn: set[int] = set()

    def check(self, record: Any, plan: Plan) -> None:
        """Refuse cycles of derivation, including this file's rows, and loss of evidence."""
        parent = record.derived_from.key if record.derived_from else ""
        plan.link(self.noun, record.key, parent)

        def parent_of(key: str) -> str:
            linked = plan.parent(self.noun, key)
            if linked is not None:
                return linked
            stored = Source.objects.filter(key=key).values_list("derived_from__key", flat=True)
            return stored.first() or ""

        validate_no_cycle(record.key, parent, parent_of)
        record.validate_original_published()
        is_known = record.pk is not None and record.pk > 0
        if is_known and not record.is_published and Source.objects.published().filter(pk=record.pk):
            ensure_evidence_remains(record, besides=self.withdrawn)
            self.withdrawn.add(record.pk)
