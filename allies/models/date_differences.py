"""Expressions for whether the dates that a citation gives for a membership contradict ours.

Two dates contradict each other if no day can be both: a less precise date is no contradiction. A
date that we leave open is the alliance's: it began between signature and entry into force. If we
give no end at all, the country is still a member.
"""

import datetime as dt
from typing import Any

from django.db import models
from django.db.models import Case, F, Q, Value, When

#: The day of an end that no date is given for.
NEVER = dt.date.max


def our_days() -> dict[str, Case]:
    """Return expressions for the first and last day that our dates may mean; for citations."""
    alliance = "membership__alliance__"
    joined, left = ~Q(membership__joined=""), ~Q(membership__left="")
    signed, entry, ended = (
        ~Q(**{f"{alliance}{name}": ""}) for name in ("signed", "in_force", "ended")
    )
    day: Any = models.DateField()
    return {
        "joined_after": Case(
            When(joined, then="membership__joined_earliest"),
            When(signed, then=f"{alliance}signed_earliest"),
            default=f"{alliance}in_force_earliest",
            output_field=day,
        ),
        "joined_before": Case(
            When(joined, then="membership__joined_latest"),
            When(entry, then=f"{alliance}in_force_latest"),
            default=f"{alliance}signed_latest",
            output_field=day,
        ),
        "left_after": Case(
            When(left, then="membership__left_earliest"),
            When(ended, then=f"{alliance}ended_earliest"),
            default=Value(NEVER),
            output_field=day,
        ),
        "left_before": Case(
            When(left, then="membership__left_latest"),
            default=f"{alliance}ended_latest",
            output_field=day,
        ),
    }


def date_differs(name: str, among: Q) -> Case:
    """Return whether a citation's date contradicts ours, for citations with ``our_days``.

    It is false for citations that do not meet the condition ``among``.
    """
    before = Q(**{f"{name}_latest__lt": F(f"{name}_after")})
    after = Q(**{f"{name}_earliest__gt": F(f"{name}_before")})
    return Case(When(among & (before | after), then=Value(True)), default=Value(False))
