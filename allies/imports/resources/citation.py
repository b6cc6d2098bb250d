"""Citations as rows."""

from collections.abc import Mapping, Sequence

from import_export.fields import Field

from allies.imports.resources.base import (
    Identity,
    RecordResource,
    choice,
    date,
    reference,
    text,
    word,
)
from allies.imports.widgets import DateWidget
from allies.models import TARGETS, Alliance, Citation, Entry, Event, Membership, Source, Stance


class CitationResource(RecordResource):
    noun = "citations"
    identities = tuple((target, "source", "stance", "locator") for target in TARGETS)
    blank_identity = ("locator",)
    compared_period = ("membership", "joined", "left")
    export_order = (
        "source__key",
        "alliance__slug",
        "membership__alliance__slug",
        "membership__country__slug",
        "membership__joined",
        "event__slug",
        "entry__ally_list__slug",
        "entry__country__slug",
        "stance",
        "locator",
    )

    source = reference("source", Source, "key")
    alliance = reference("alliance", Alliance, "slug")
    membership = reference("membership", Membership, "code")
    event = reference("event", Event, "slug")
    entry = reference("entry", Entry, "code")
    stance = choice("stance", Stance, default=Stance.SUPPORTS)
    locator = word("locator")
    quote = text("quote")
    note_en = text("note_en")
    note_ind = text("note_ind")
    joined = date("joined")
    left = date("left")
    verified_on = Field(attribute="verified_on", column_name="verified_on", widget=DateWidget())

    class Meta:
        model = Citation
        fields = (
            "source",
            "alliance",
            "membership",
            "event",
            "entry",
            "stance",
            "locator",
            "quote",
            "note_en",
            "note_ind",
            "joined",
            "left",
            "verified_on",
        )

    def row_identities(self, values: Sequence[object], at: Mapping[str, int]) -> list[Identity]:
        """Return the identities as usual, but none if the row has no target or more than one."""
        return self.identities_of_one(TARGETS, values, at)
