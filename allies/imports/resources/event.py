"""Events and participations as rows."""

from typing import Any

from django.utils.text import slugify
from import_export.fields import Field

from allies.imports.resources.base import (
    RecordResource,
    choice,
    country,
    date,
    reference,
    status,
    text,
    word,
)
from allies.imports.widgets import BooleanWidget, IntegerWidget
from allies.models import (
    Alliance,
    Certainty,
    Event,
    EventKind,
    Participation,
    ParticipationRole,
    VoteScope,
)


class EventResource(RecordResource):
    noun = "events"
    identities = (("identifier",), ("slug",))
    is_reference_target = True
    similarity_keys = (("title_en",), ("title_ind",))
    export_order = ("slug",)

    slug = word("slug")
    identifier = word("identifier")
    kind = choice("kind", EventKind, required=True)
    certainty = choice("certainty", Certainty, default=Certainty.REPORTED)
    title_en = text("title_en")
    title_ind = text("title_ind")
    date = date("date")
    place_en = text("place_en")
    place_ind = text("place_ind")
    attributed_to_en = text("attributed_to_en")
    attributed_to_ind = text("attributed_to_ind")
    alliance = reference("alliance", Alliance, "slug")
    summary_en = text("summary_en")
    summary_ind = text("summary_ind")
    session = Field(attribute="session", column_name="session", widget=IntegerWidget())
    resolution = word("resolution")
    scope = choice("scope", VoteScope)
    issues = word("issues")
    is_important = Field(
        attribute="is_important", column_name="is_important", widget=BooleanWidget(optional=True)
    )
    status = status()

    class Meta:
        model = Event
        fields = (
            "slug",
            "identifier",
            "kind",
            "certainty",
            "title_en",
            "title_ind",
            "date",
            "place_en",
            "place_ind",
            "attributed_to_en",
            "attributed_to_ind",
            "alliance",
            "summary_en",
            "summary_ind",
            "session",
            "resolution",
            "scope",
            "issues",
            "is_important",
            "status",
        )

    def fill_defaults(self, record: Any) -> None:
        record.slug = record.slug or slugify(record.identifier)


class ParticipationResource(RecordResource):
    noun = "participations"
    identities = (("event", "country", "role"),)
    governed_through = "event"
    day_of_existence = "event.date"
    export_order = ("event__slug", "country__slug", "role")

    event = reference("event", Event, "slug")
    country = country()
    role = choice("role", ParticipationRole, required=True)

    class Meta:
        model = Participation
        fields = ("event", "country", "role")
