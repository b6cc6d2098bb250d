"""Sentences about the obligations of two countries to each other in an alliance."""

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from allies.ties.ties_between import CountryPair, Obligation

#: Obligation → (sentence if both countries have it, sentence if only one has it).
_SENTENCES = {
    "defence": (
        gettext_lazy("Defence: each must come to the other’s aid if it is attacked."),
        gettext_lazy("Defence: %(country)s must help defend %(other)s against an attack."),
    ),
    "offence": (
        gettext_lazy("Offence: each must join an attack by the other."),
        gettext_lazy("Offence: %(country)s must join an attack by %(other)s."),
    ),
    "neutrality": (
        gettext_lazy("Neutrality: each must stay neutral if the other is at war."),
        gettext_lazy("Neutrality: %(country)s must stay neutral if %(other)s is at war."),
    ),
    "non_aggression": (
        gettext_lazy("Non-aggression: neither may attack the other."),
        gettext_lazy("Non-aggression: %(country)s must not attack %(other)s."),
    ),
    "consultation": (
        gettext_lazy("Consultation: they must consult each other in a crisis."),
        gettext_lazy("Consultation: %(country)s must consult %(other)s in a crisis."),
    ),
}


def obligation_sentences(duty: Obligation, pair: CountryPair) -> Iterator[str]:
    """Yield a sentence on the obligation. If only one country has it, add one on the other country.

    The second sentence distinguishes "no" from "not recorded".
    """
    both, one = _SENTENCES[duty.name]
    if duty.first and duty.second:
        yield str(both)
        return
    owing, other = (pair.first, pair.second) if duty.first else (pair.second, pair.first)
    named = {"country": owing.name_in_text, "other": other.name_in_text}
    yield one % named
    if (duty.second if duty.first else duty.first) is None:
        yield _("No such obligation is recorded for %(other)s.") % named
    else:
        yield _("%(other)s has no such obligation.") % named
