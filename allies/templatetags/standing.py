"""Tags that say how many ties are confirmed on a day, and what the records cover."""

from django import template
from django.db.models import Max
from django.utils.formats import date_format
from django.utils.translation import gettext

from allies.models import Citation, Event
from allies.ties.standing_text import allies_in_words, others_in_words, ties_in_words

register = template.Library()

register.simple_tag(allies_in_words)
register.simple_tag(ties_in_words)
register.filter(others_in_words)


@register.simple_tag
def coverage_in_words() -> str:
    """Say until when treaties and UN votes are recorded: "Treaties to 2026 · …"; two queries.

    Treaties are recorded until the latest coverage or publication of a source that supports an
    alliance, votes until the latest roll call. Returns "" if nothing is recorded.
    """
    supporting = Citation.objects.published().supporting().filter(alliance__isnull=False)
    last = supporting.aggregate(
        covered=Max("source__covers_to_latest"), published=Max("source__date_published_latest")
    )
    treaties = max((day for day in last.values() if day), default=None)
    votes = Event.objects.published().roll_calls().aggregate(last=Max("date_latest"))["last"]
    parts = []
    if treaties:
        parts.append(gettext("treaties to %(year)s") % {"year": treaties.year})
    if votes:
        month = date_format(votes, "F Y")
        parts.append(gettext("UN votes to %(month)s") % {"month": month})
    return gettext("Recorded: %(what)s.") % {"what": ", ".join(parts)} if parts else ""
