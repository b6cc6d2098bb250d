"""Citations as rows."""

from collections.abc import Mapping, Sequence

from import_export.fields import Field

from allies.imports.resources.base import Identity, RecordResource, choice, reference, text, word
from allies.imports.widgets import DateWidget
from allies.models import TARGETS, Alliance, Citation, Entry, Event, Source, Stance


class CitationResource(RecordResource):
    noun = "citations"
    identities = tuple((target, "source", "stance", "locator") for target in TARGETS)
    blank_identity = ("locator",)
    export_order = (
        "source__key",
        "alliance__slug",
        "event__slug",
        "entry__ally_list__slug",
        "entry__country__slug",
        "stance",
        "locator",
    )

    source = reference("source", Source, "key")
    alliance = reference("alliance", Alliance, "slug")
    event = reference("event", Event, "slug")
    entry = reference("entry", Entry, "code")
    stance = choice("stance", Stance, default=Stance.SUPPORTS)
    locator = word("locator")
    quote = text("quote")
    note_en = text("note_en")
    note_ind = text("note_ind")
    verified_on = Field(attribute="verified_on", column_name="verified_on", widget=DateWidget())

    class Meta:
        model = Citation
        fields = (
            "source",
            "alliance",
            "event",
            "entry",
            "stance",
            "locator",
            "quote",
            "note_en",
            "note_ind",
            "verified_on",
        )

    def row_identities(self, values: Sequence[object], at: Mapping[str, int]) -> list[Identity]:
        """Return the identities as usual, but none if the row has no target or more than one."""
        targets = [values[at[target]] for target in TARGETS if target in at]
        if len(targets) - targets.count(None) != 1:
            return []
        return super().row_identities(values, at)
