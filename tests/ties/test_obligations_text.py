"""Sentences on obligations that some members of an alliance have and others do not."""

import pytest
from django.utils.translation import override

from allies.models import OBLIGATIONS, Membership
from allies.ties.obligations_text import uneven_obligation_sentences
from tests import factories

pytestmark = pytest.mark.usefixtures("demo_data")


def sentences(language="en", *, role="member", **defence):
    """Return the sentences on a pact; ``defence`` maps countries to their obligation."""
    pact = factories.alliance(*defence)
    for code, has in defence.items():
        pact.memberships.filter(country__alpha3=code).update(defence=has)
    Membership.objects.filter(alliance=pact, defence=None).update(role=role)
    members = pact.memberships.select_related("country").order_by("pk")
    with override(language):
        return list(uneven_obligation_sentences(members))


def test_one_country_promises_another():
    assert sentences(USA=True, KOR=False) == [
        "The United States promises to defend South Korea. South Korea has no such obligation."
    ]
    assert sentences(USA=True, KOR=None) == [
        "The United States promises to defend South Korea. "
        "No such obligation is recorded for South Korea."
    ]
    (said,) = sentences("id", USA=True, KOR=False)
    assert said.startswith("Amerika Serikat berjanji membela Korea Selatan.")


def test_several_countries_promise_the_others():
    assert sentences(FRA=True, GBR=True, POL=False, ROU=False) == [
        "France and the United Kingdom promise to defend the other members. "
        "Poland and Romania have no such obligation."
    ]


def test_many_countries_are_counted():
    codes = ("FRA", "GBR", "ITA", "NLD", "BEL", "LUX")
    (said,) = sentences(**dict.fromkeys(codes, True), POL=False)
    assert said.startswith("6 countries promise to defend the other members. Poland has no")


def test_nothing_is_said_if_all_or_none_have_the_obligation():
    assert sentences(USA=True, KOR=True) == []
    assert sentences(USA=False, KOR=None) == []
    assert sentences(USA=True, KOR=None, role="observer") == []


def test_every_obligation_has_a_sentence():
    for duty in OBLIGATIONS:
        pact = factories.alliance("USA", "KOR")
        pact.memberships.filter(country__alpha3="USA").update(**{duty: True})
        (said,) = uneven_obligation_sentences(pact.memberships.all())
        assert said.startswith("The United States promises "), duty


def test_obligation_of_one_membership_counts_for_the_country():
    pact = factories.alliance("USA", "KOR")
    pact.memberships.update(defence=True, left="1960")
    Membership.objects.create(
        alliance=pact, country=factories.country("KOR"), joined="1970", defence=False
    )
    assert list(uneven_obligation_sentences(pact.memberships.all())) == []
