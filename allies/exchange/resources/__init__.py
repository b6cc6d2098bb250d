"""One resource a noun, by the name commands, files and addresses give it."""

from allies.exchange.resources.alliance import AllianceResource, MembershipResource
from allies.exchange.resources.ally_list import (
    AllyListResource,
    EntryResource,
    SeeAlsoResource,
)
from allies.exchange.resources.base import NounResource
from allies.exchange.resources.citation import CitationResource
from allies.exchange.resources.country import AliasResource, CountryResource
from allies.exchange.resources.event import EventResource, ParticipationResource
from allies.exchange.resources.source import SourceResource

#: Noun → resource, in an order in which each file finds the records it names.
NOUNS: dict[str, type[NounResource]] = {
    resource.noun: resource
    for resource in (
        CountryResource,
        AliasResource,
        SourceResource,
        AllianceResource,
        MembershipResource,
        EventResource,
        ParticipationResource,
        AllyListResource,
        EntryResource,
        CitationResource,
        SeeAlsoResource,
    )
}

#: Model's name → noun, as changesets count.
NOUN_CALLED = {str(r._meta.model._meta.model_name): noun for noun, r in NOUNS.items()}

__all__ = ["NOUNS", "NOUN_CALLED", "NounResource"]
