"""Sentences about obligations in an alliance: of two countries, or of some of its members."""

from collections.abc import Iterable, Iterator, Sequence

from django.utils.text import capfirst, get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from allies.models.country import Country
from allies.models.membership import OBLIGATIONS, Membership, MembershipRole
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


#: Obligation → sentence on the countries that have it; ``others`` are those they owe it to.
_PROMISES = {
    "defence": ngettext_lazy(
        "%(countries)s promises to defend %(others)s.",
        "%(countries)s promise to defend %(others)s.",
        "number",
    ),
    "offence": ngettext_lazy(
        "%(countries)s promises to join attacks by %(others)s.",
        "%(countries)s promise to join attacks by %(others)s.",
        "number",
    ),
    "neutrality": ngettext_lazy(
        "%(countries)s promises to stay neutral in wars of %(others)s.",
        "%(countries)s promise to stay neutral in wars of %(others)s.",
        "number",
    ),
    "non_aggression": ngettext_lazy(
        "%(countries)s promises not to attack %(others)s.",
        "%(countries)s promise not to attack %(others)s.",
        "number",
    ),
    "consultation": ngettext_lazy(
        "%(countries)s promises to consult %(others)s in a crisis.",
        "%(countries)s promise to consult %(others)s in a crisis.",
        "number",
    ),
}

#: Roles that have obligations; beneficiaries, observers and associates have none.
_OWING_ROLES = (MembershipRole.MEMBER, MembershipRole.GUARANTOR)

#: The most countries that a sentence names.
MAX_NAMED = 5


def uneven_obligation_sentences(memberships: Iterable[Membership]) -> Iterator[str]:
    """Yield sentences on the obligations that some members of an alliance have and others do not.

    A country with several memberships has an obligation if it has it in one of them. As for two
    countries, "no" differs from "not recorded". No query, if the countries are fetched.
    """
    members: dict[Country, list[Membership]] = {}
    for membership in memberships:
        if membership.role in _OWING_ROLES:
            members.setdefault(membership.country, []).append(membership)
    for duty in OBLIGATIONS:
        found = {c: _has_duty(own, duty) for c, own in members.items()}
        owing, free, unknown = (
            [country for country, has in found.items() if has is answer]
            for answer in (True, False, None)
        )
        if owing and (free or unknown):
            yield " ".join(_uneven(duty, owing, free, unknown))


def _has_duty(memberships: Iterable[Membership], duty: str) -> bool | None:
    answers = {getattr(membership, duty) for membership in memberships}
    return next((answer for answer in (True, False) if answer in answers), None)


def _uneven(
    duty: str, owing: Sequence[Country], free: Sequence[Country], unknown: Sequence[Country]
) -> Iterator[str]:
    rest = [*free, *unknown]
    to_others = len(owing) > 1 or len(rest) > MAX_NAMED
    yield _PROMISES[duty] % {
        "number": len(owing),
        "countries": capfirst(_names(owing)),
        "others": _("the other members") if to_others else _names(rest),
    }
    if free:
        sentence = ngettext(
            "%(countries)s has no such obligation.",
            "%(countries)s have no such obligation.",
            len(free),
        )
        yield sentence % {"countries": capfirst(_names(free))}
    if unknown:
        yield _("No such obligation is recorded for %(other)s.") % {"other": _names(unknown)}


def _names(countries: Sequence[Country]) -> str:
    """Return the names in a sentence, or the number of countries if they are many."""
    if len(countries) > MAX_NAMED:
        text = ngettext("%(number)d country", "%(number)d countries", len(countries))
        return text % {"number": len(countries)}
    return str(get_text_list([country.name_in_text for country in countries], _("and")))
