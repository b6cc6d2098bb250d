"""Ally lists, their entries, key events and "see also" sources as rows."""

from import_export.fields import Field

from allies.imports.resources.base import (
    RecordResource,
    choice,
    country,
    reference,
    status,
    text,
    word,
)
from allies.imports.widgets import BooleanWidget, IntegerWidget
from allies.models import AllyList, Entry, Event, KeyEvent, SeeAlso, Source
from allies.models.m49 import NAMES


def _position() -> Field:
    return Field(attribute="position", column_name="position", widget=IntegerWidget())


class AllyListResource(RecordResource):
    noun = "ally-lists"
    identities = (("slug",),)
    is_reference_target = True
    export_order = ("slug",)

    slug = word("slug")
    title_en = text("title_en")
    title_ind = text("title_ind")
    focus = country("focus")
    scope = choice("scope", NAMES)
    recorded_from = reference("recorded_from", Source, "key")
    promised = Field(attribute="promised", column_name="promised", widget=IntegerWidget())
    byline = text("byline")
    featured = Field(
        attribute="featured", column_name="featured", widget=BooleanWidget(optional=False)
    )
    intro_en = text("intro_en")
    intro_ind = text("intro_ind")
    status = status()

    class Meta:
        model = AllyList
        fields = (
            "slug",
            "title_en",
            "title_ind",
            "focus",
            "scope",
            "recorded_from",
            "promised",
            "byline",
            "featured",
            "intro_en",
            "intro_ind",
            "status",
        )


class EntryResource(RecordResource):
    noun = "entries"
    identities = (("ally_list", "country"),)
    governed_through = "ally_list"
    is_reference_target = True
    export_order = ("ally_list__slug", "position", "country__slug")

    ally_list = reference("ally_list", AllyList, "slug")
    country = country()
    position = _position()
    prose_en = text("prose_en")
    prose_ind = text("prose_ind")

    class Meta:
        model = Entry
        fields = ("ally_list", "country", "position", "prose_en", "prose_ind")


class KeyEventResource(RecordResource):
    noun = "key-events"
    identities = (("entry", "event"),)
    governed_through = "entry"
    export_order = (
        "entry__ally_list__slug",
        "entry__position",
        "entry__country__slug",
        "position",
        "event__slug",
    )

    entry = reference("entry", Entry, "code")
    event = reference("event", Event, "slug")
    position = _position()

    class Meta:
        model = KeyEvent
        fields = ("entry", "event", "position")


class SeeAlsoResource(RecordResource):
    noun = "see-also"
    identities = (("ally_list", "source"),)
    governed_through = "ally_list"
    export_order = ("ally_list__slug", "position", "source__key")

    ally_list = reference("ally_list", AllyList, "slug")
    source = reference("source", Source, "key")
    position = _position()

    class Meta:
        model = SeeAlso
        fields = ("ally_list", "source", "position")
