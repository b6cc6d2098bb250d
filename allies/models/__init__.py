"""The records. One file a noun; each queryset says what of it is public."""

from allies.models.alliance import (
    DUTIES,
    Alliance,
    AllianceKind,
    Membership,
    MembershipRole,
)
from allies.models.ally_list import AllyList, Entry, SeeAlso
from allies.models.base import OldSlug, Publishable, Record, Slugged, Status
from allies.models.changeset import (
    BY_JOB,
    WORKING,
    WRITTEN,
    Changeset,
    ChangesetKind,
    ChangesetState,
    Mapping,
)
from allies.models.citation import TARGETS, Citation, CitedPublishable, Stance
from allies.models.correction import (
    CORRECTABLE,
    TAKEN_UP,
    Correction,
    Outcome,
    Sending,
    UsedToken,
    attach_records,
)
from allies.models.country import Alias, Country
from allies.models.desk import PREVIEW_DAYS, Appointment, OpenForm, PreviewLink
from allies.models.event import Certainty, Event, EventKind, Participation, ParticipationRole
from allies.models.evidence import (
    EvidenceLost,
    refuse_loss,
    support_settled_at_the_end,
    unsupported,
    would_lose_support,
)
from allies.models.link import (
    KEPT_CHECKS,
    Health,
    LinkCheck,
    LinkHealth,
    LinkPart,
    LinkResult,
)
from allies.models.nouns import address_field, data_state, record_models, record_of, referred_models
from allies.models.source import Source, SourceKind
from allies.models.tie import AllyRow, allies_of, ally_rows
from allies.models.writing import written_under

__all__ = [
    "BY_JOB",
    "CORRECTABLE",
    "DUTIES",
    "KEPT_CHECKS",
    "PREVIEW_DAYS",
    "TAKEN_UP",
    "TARGETS",
    "WORKING",
    "WRITTEN",
    "Alias",
    "Alliance",
    "AllianceKind",
    "AllyList",
    "AllyRow",
    "Appointment",
    "Certainty",
    "Changeset",
    "ChangesetKind",
    "ChangesetState",
    "Citation",
    "CitedPublishable",
    "Correction",
    "Country",
    "Entry",
    "Event",
    "EventKind",
    "EvidenceLost",
    "Health",
    "LinkCheck",
    "LinkHealth",
    "LinkPart",
    "LinkResult",
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
    "SeeAlso",
    "Sending",
    "Slugged",
    "Source",
    "SourceKind",
    "Stance",
    "Status",
    "UsedToken",
    "address_field",
    "allies_of",
    "ally_rows",
    "attach_records",
    "data_state",
    "record_models",
    "record_of",
    "referred_models",
    "refuse_loss",
    "support_settled_at_the_end",
    "unsupported",
    "would_lose_support",
    "written_under",
]
