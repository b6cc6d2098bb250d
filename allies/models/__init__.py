"""The records. One file a noun; each queryset says what of it is public."""

from allies.models.alliance import (
    DUTIES,
    Alliance,
    AllianceKind,
    Membership,
    MembershipRole,
    Standing,
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
from allies.models.clock import moment_of_writing
from allies.models.content_change import ContentChange
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
from allies.models.edition import Edition, Frozen, canonical, digest
from allies.models.event import (
    EVENT_YEARS,
    ByYear,
    Certainty,
    Event,
    EventKind,
    Participation,
    ParticipationRole,
    key_events,
    key_parts,
)
from allies.models.evidence import (
    SUPPORTED,
    EvidenceLost,
    refuse_loss,
    support_settled_at_the_end,
    unsupported,
    would_lose_support,
)
from allies.models.form import KeptForm, SentForm
from allies.models.frozen import frozen
from allies.models.job_file import JobFile
from allies.models.link import (
    KEPT_CHECKS,
    Health,
    LinkCheck,
    LinkHealth,
    LinkPart,
    LinkResult,
)
from allies.models.nouns import address_field, data_state, record_models, record_of, referred_models
from allies.models.pair import Duty, Pair, Period, Tie, certainty_of_ties, ties_between
from allies.models.rights_change import RightsChange
from allies.models.search_text import SEARCHED, SearchText
from allies.models.source import Source, SourceKind, public_key
from allies.models.state import StateConflict, Stateful
from allies.models.tie import (
    AllyRow,
    CertaintyCounts,
    Ties,
    certainty_of,
    certainty_on_the_day,
    first_year_of,
)
from allies.models.tie_changes import ChangedAlly, TieChange, TwoDays, change_rows, changed_allies
from allies.models.voting import (
    ENOUGH_VOTES,
    VOTES,
    VotesAlike,
    in_all,
    roll_calls_of_both,
    sources_of_votes,
    votes_by_year,
)
from allies.models.writing import written_under

__all__ = [
    "BY_JOB",
    "CORRECTABLE",
    "DUTIES",
    "ENOUGH_VOTES",
    "EVENT_YEARS",
    "KEPT_CHECKS",
    "PREVIEW_DAYS",
    "SEARCHED",
    "SUPPORTED",
    "TAKEN_UP",
    "TARGETS",
    "VOTES",
    "WORKING",
    "WRITTEN",
    "Alias",
    "Alliance",
    "AllianceKind",
    "AllyList",
    "AllyRow",
    "Appointment",
    "ByYear",
    "Certainty",
    "CertaintyCounts",
    "ChangedAlly",
    "Changeset",
    "ChangesetKind",
    "ChangesetState",
    "Citation",
    "CitedPublishable",
    "ContentChange",
    "Correction",
    "Country",
    "Duty",
    "Edition",
    "Entry",
    "Event",
    "EventKind",
    "EvidenceLost",
    "Frozen",
    "Health",
    "JobFile",
    "KeptForm",
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
    "Pair",
    "Participation",
    "ParticipationRole",
    "Period",
    "PreviewLink",
    "Publishable",
    "Record",
    "RightsChange",
    "SearchText",
    "SeeAlso",
    "Sending",
    "SentForm",
    "Slugged",
    "Source",
    "SourceKind",
    "Stance",
    "Standing",
    "StateConflict",
    "Stateful",
    "Status",
    "Tie",
    "TieChange",
    "Ties",
    "TwoDays",
    "UsedToken",
    "VotesAlike",
    "address_field",
    "attach_records",
    "canonical",
    "certainty_of",
    "certainty_of_ties",
    "certainty_on_the_day",
    "change_rows",
    "changed_allies",
    "data_state",
    "digest",
    "first_year_of",
    "frozen",
    "in_all",
    "key_events",
    "key_parts",
    "moment_of_writing",
    "public_key",
    "record_models",
    "record_of",
    "referred_models",
    "refuse_loss",
    "roll_calls_of_both",
    "sources_of_votes",
    "support_settled_at_the_end",
    "ties_between",
    "unsupported",
    "votes_by_year",
    "would_lose_support",
    "written_under",
]
