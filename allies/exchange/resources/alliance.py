"""Alliances and memberships as rows."""

from typing import Any

from django.utils.text import slugify
from import_export.fields import Field

from allies.exchange.cells import FlagCell
from allies.exchange.resources.base import (
    NounResource,
    choice,
    country,
    date,
    reference,
    status,
    text,
    word,
)
from allies.models import Alliance, AllianceKind, Membership, MembershipRole


class AllianceResource(NounResource):
    noun = "alliances"
    identities = (("identifier",), ("slug",))
    is_referred_to = True
    likenesses = (("title_en",), ("title_ind",), ("signed", "in_force"))
    export_order = ("slug",)

    slug = word("slug")
    identifier = word("identifier")
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

    def complete(self, record: Any) -> None:
        record.slug = record.slug or slugify(record.identifier)


def _duty(column: str) -> Field:
    return Field(attribute=column, column_name=column, widget=FlagCell(optional=True))


class MembershipResource(NounResource):
    noun = "memberships"
    identities = (("alliance", "country", "joined"),)
    blank_identity = ("joined",)
    governed_through = "alliance"
    export_order = ("alliance__slug", "country__slug", "joined")

    alliance = reference("alliance", Alliance, "slug")
    country = country()
    joined = date("joined")
    left = date("left")
    role = choice("role", MembershipRole, default=MembershipRole.MEMBER)
    defence = _duty("defence")
    neutrality = _duty("neutrality")
    non_aggression = _duty("non_aggression")
    consultation = _duty("consultation")

    class Meta:
        model = Membership
        fields = (
            "alliance",
            "country",
            "joined",
            "left",
            "role",
            "defence",
            "neutrality",
            "non_aggression",
            "consultation",
        )
