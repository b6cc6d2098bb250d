"""The import and export resources, by the names used in commands, file names and URLs."""

from allies.imports.resources.alias import AliasResource
from allies.imports.resources.alliance import AllianceResource, MembershipResource
from allies.imports.resources.ally_list import (
    AllyListResource,
    EntryResource,
    KeyEventResource,
    SeeAlsoResource,
)
from allies.imports.resources.base import RecordResource
from allies.imports.resources.citation import CitationResource
from allies.imports.resources.country import CountryResource, SpellResource
from allies.imports.resources.event import EventResource, ParticipationResource
from allies.imports.resources.source import SourceResource

#: Record type → resource, ordered so that a file's references are imported before the file.
RESOURCES: dict[str, type[RecordResource]] = {
    resource.noun: resource
    for resource in (
        CountryResource,
        SpellResource,
        SourceResource,
        AllianceResource,
        AliasResource,
        MembershipResource,
        EventResource,
        ParticipationResource,
        AllyListResource,
        EntryResource,
        CitationResource,
        KeyEventResource,
        SeeAlsoResource,
    )
}

#: Model name, as in a changeset's counts → record type.
RESOURCE_BY_MODEL_NAME = {
    str(r._meta.model._meta.model_name): noun for noun, r in RESOURCES.items()
}

__all__ = ["RESOURCES", "RESOURCE_BY_MODEL_NAME", "RecordResource"]
