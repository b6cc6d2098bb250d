"""The models. One module per record type; ``published()`` of each queryset is what readers see."""

from allies.models.alias import NAMED, Alias
from allies.models.alliance import CURRENT_STANDINGS, Alliance, AllianceKind, Standing
from allies.models.ally_list import AllyList, Entry, SeeAlso
from allies.models.base import OldSlug, Publishable, Record, SlugMixin, Status
from allies.models.changeset import (
    BACKGROUND_KINDS,
    RUNNING_STATES,
    WRITE_COUNTS,
    Changeset,
    ChangesetKind,
    ChangesetState,
    Mapping,
)
from allies.models.citation import TARGETS, Citation, EvidencedModel, Stance
from allies.models.content_version_counter import ContentChange
from allies.models.correction import (
    ACCEPTED_OUTCOMES,
    CORRECTABLE_MODELS,
    Correction,
    Outcome,
    Sending,
    UsedToken,
    prefetch_records,
)
from allies.models.country import Country
from allies.models.edit_session import OpenForm
from allies.models.edition import Edition, EditionImmutable, canonical_json, sha256_hex
from allies.models.event import (
    EVENT_YEARS,
    Certainty,
    Event,
    EventKind,
    Participation,
    ParticipationRole,
    VoteIssue,
    VoteScope,
    YearlyCounts,
)
from allies.models.form_submission import KeptForm, SentForm
from allies.models.import_file_block import JobFile
from allies.models.key_event import KeyEvent
from allies.models.link_check import (
    MAX_KEPT_CHECKS,
    LinkCheck,
    LinkField,
    LinkHealth,
    LinkResult,
    LinkStatus,
)
from allies.models.membership import OBLIGATIONS, Membership, MembershipRole
from allies.models.permission_change import RightsChange
from allies.models.preview_link import PREVIEW_DAYS, PreviewLink
from allies.models.registry import (
    data_fingerprint,
    get_record,
    record_models,
    related_record_models,
    url_field,
)
from allies.models.scheduled_action import Appointment
from allies.models.search_document import SEARCHABLE_MODELS, SearchText
from allies.models.source import Source, SourceKind, public_source_key
from allies.models.spell import Spell
from allies.models.stateful import StateConflict, Stateful

__all__ = [
    "ACCEPTED_OUTCOMES",
    "BACKGROUND_KINDS",
    "CORRECTABLE_MODELS",
    "CURRENT_STANDINGS",
    "EVENT_YEARS",
    "MAX_KEPT_CHECKS",
    "NAMED",
    "OBLIGATIONS",
    "PREVIEW_DAYS",
    "RUNNING_STATES",
    "SEARCHABLE_MODELS",
    "TARGETS",
    "WRITE_COUNTS",
    "Alias",
    "Alliance",
    "AllianceKind",
    "AllyList",
    "Appointment",
    "Certainty",
    "Changeset",
    "ChangesetKind",
    "ChangesetState",
    "Citation",
    "ContentChange",
    "Correction",
    "Country",
    "Edition",
    "EditionImmutable",
    "Entry",
    "Event",
    "EventKind",
    "EvidencedModel",
    "JobFile",
    "KeptForm",
    "KeyEvent",
    "LinkCheck",
    "LinkField",
    "LinkHealth",
    "LinkResult",
    "LinkStatus",
    "Mapping",
    "Membership",
    "MembershipRole",
    "OldSlug",
    "OpenForm",
    "Outcome",
    "Participation",
    "ParticipationRole",
    "PreviewLink",
    "Publishable",
    "Record",
    "RightsChange",
    "SearchText",
    "SeeAlso",
    "Sending",
    "SentForm",
    "SlugMixin",
    "Source",
    "SourceKind",
    "Spell",
    "Stance",
    "Standing",
    "StateConflict",
    "Stateful",
    "Status",
    "UsedToken",
    "VoteIssue",
    "VoteScope",
    "YearlyCounts",
    "canonical_json",
    "data_fingerprint",
    "get_record",
    "prefetch_records",
    "public_source_key",
    "record_models",
    "related_record_models",
    "sha256_hex",
    "url_field",
]
