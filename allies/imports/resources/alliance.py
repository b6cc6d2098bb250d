"""Alliances and memberships as rows."""

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
from allies.imports.widgets import BooleanWidget
from allies.models import Alliance, AllianceKind, Membership, MembershipRole


class AllianceResource(RecordResource):
    noun = "alliances"
    identities = (("identifier",), ("slug",))
    is_reference_target = True
    similarity_keys = (("title_en",), ("title_ind",), ("signed", "in_force"))
    start_dates = ("signed", "in_force")
    export_order = ("slug",)

    slug = word("slug")
    identifier = word("identifier")
    wikidata = word("wikidata")
    kind = choice("kind", AllianceKind, required=True)
    title_en = text("title_en")
    title_ind = text("title_ind")
    signed = date("signed")
    in_force = date("in_force")
    ended = date("ended")
    summary_en = text("summary_en")
    summary_ind = text("summary_ind")
    status = status()

    class Meta:
        model = Alliance
        fields = (
            "slug",
            "identifier",
            "wikidata",
            "kind",
            "title_en",
            "title_ind",
            "signed",
            "in_force",
            "ended",
            "summary_en",
            "summary_ind",
            "status",
        )

    def fill_defaults(self, record: Any) -> None:
        record.slug = record.slug or slugify(record.identifier)


def _obligation_field(column: str) -> Field:
    return Field(attribute=column, column_name=column, widget=BooleanWidget(optional=True))


class MembershipResource(RecordResource):
    noun = "memberships"
    identities = (("alliance", "country", "joined"),)
    is_reference_target = True
    blank_identity = ("joined",)
    governed_through = "alliance"
    period = ("joined", "left")
    day_of_existence = "joined"
    export_order = ("alliance__slug", "country__slug", "joined")

    alliance = reference("alliance", Alliance, "slug")
    country = country()
    joined = date("joined")
    left = date("left")
    role = choice("role", MembershipRole, default=MembershipRole.MEMBER)
    defence = _obligation_field("defence")
    offence = _obligation_field("offence")
    neutrality = _obligation_field("neutrality")
    non_aggression = _obligation_field("non_aggression")
    consultation = _obligation_field("consultation")

    class Meta:
        model = Membership
        fields = (
            "alliance",
            "country",
            "joined",
            "left",
            "role",
            "defence",
            "offence",
            "neutrality",
            "non_aggression",
            "consultation",
        )
