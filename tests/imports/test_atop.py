"""ATOP's alliances and members: small files of their format, and the published ones."""

import pytest

from allies.models import Alliance, Citation, Membership
from tests import factories
from tests.imports.files import command, write

pytestmark = pytest.mark.usefixtures("demo_data", "no_ties")

PLEDGES = ("defense", "offense", "neutral", "nonagg", "consul")


def alliance(number, *members, cow="", **given):
    cells = {"atopid": number, "cow4id": cow, "begyr": 1950, "begmo": 2, "begday": 3}
    cells |= {"endyr": 0, "endmo": 0, "endday": 0, **dict.fromkeys(PLEDGES, 0)}
    wide = {f"mem{n}": "" for n in range(1, 60)}
    return {**cells, **wide, **{f"mem{n}": code for n, code in enumerate(members, 1)}, **given}


def member(number, code, since=(1950, 2, 3), until=(0, 0, 0), cow="", **given):
    cells = {"atopid": number, "cow4id": cow, "member": code, "cowsys": 1}
    cells |= dict(zip(("yrent", "moent", "dayent"), since, strict=True))
    cells |= dict(zip(("yrexit", "moexit", "dayexit"), until, strict=True))
    return {**cells, **dict.fromkeys(PLEDGES, 0), **given}


def load(tmp_path, alliances, members):
    files = write(tmp_path / "a.csv", alliances), write(tmp_path / "m.csv", members)
    return command("import_atop", *map(str, files), "--commit", "--accept-terms")


def test_alliance_and_its_members(tmp_path):
    rows = [
        member(9001, 390, defense=1, offense=1),
        member(9001, 385, until=(1960, 5, ""), consul=1),
    ]
    load(tmp_path, [alliance(9001, 390, 385, defense=1, offense=1, consul=1)], rows)
    pact = Alliance.objects.published().get(identifier="atop:9001")
    assert (pact.kind, pact.signed, pact.ended) == ("defence-pact", "1950-02-03", "2016-12-31/..")
    assert pact.title_en == "Defence pact, Denmark–Norway (1950)"
    denmark, norway = (pact.memberships.get(country__alpha3=code) for code in ("DNK", "NOR"))
    assert (denmark.obligations, denmark.left) == (["defence", "offence"], "2016-12-31/..")
    assert (norway.obligations, norway.left) == (["consultation"], "1960-05")
    assert norway.offence is False


def test_only_a_pledge_of_offence_is_no_defence_pact(tmp_path):
    rows = [member(9001, 390, offense=1), member(9001, 385, offense=1)]
    load(tmp_path, [alliance(9001, 390, 385, offense=1)], rows)
    pact = Alliance.objects.get(identifier="atop:9001")
    assert (pact.kind, pact.title_en) == ("entente", "Offensive alliance, Denmark–Norway (1950)")


@pytest.mark.postgresql
def test_phases_are_one_membership_and_gaps_are_not(tmp_path):
    rows = [
        member(9001, 390, until=(1955, 1, 1), phase=1, neutral=1),
        member(9001, 385, until=(1955, 1, 1), phase=1),
        member(9001, 390, since=(1955, 1, 2), until=(1960, 1, 1), phase=2, defense=1),
        member(9001, 385, since=(1957, 1, 1), phase=2),
        member(9001, 390, since=(1960, 1, 1), phase=3),
        member(9002, 390),
    ]
    pacts = [alliance(9001, 390, 385, defense=1), alliance(9002, 390, 385, consul=1)]
    load(tmp_path, pacts, rows)
    pact = Alliance.objects.get(identifier="atop:9001")
    denmark = pact.memberships.get(country__alpha3="DNK")
    assert (denmark.joined, denmark.left) == ("1950-02-03", "2016-12-31/..")
    assert denmark.obligations == ["defence", "neutrality"]
    norway = pact.memberships.filter(country__alpha3="NOR").values_list("joined", "left")
    assert set(norway) == {("1950-02-03", "1955-01-01"), ("1957-01-01", "2016-12-31/..")}
    again = load(tmp_path, pacts, rows)
    assert "memberships: 4 rows: 0 new, 0 changed, 4 unchanged" in again


def test_treaty_that_cow_has_too_is_the_same_record(tmp_path):
    known = factories.alliance(
        "DNK",
        title_en="Treaty of Oslo",
        identifier="cow:9001",
        signed="1950",
        ended="2012-12-31/..",
    )
    Membership.objects.filter(alliance=known).update(joined="1950-01-01", left="2012-12-31/..")
    rows = [member(9001, 390, cow=9001, offense=1), member(9001, 385, cow=9001)]
    load(tmp_path, [alliance(9001, 390, 385, cow=9001, defense=1)], rows)
    known.refresh_from_db()
    assert (known.title_en, known.ended) == ("Treaty of Oslo", "2016-12-31/..")
    denmark, norway = (known.memberships.get(country__alpha3=code) for code in ("DNK", "NOR"))
    assert (denmark.joined, denmark.left) == ("1950-01-01", "2016-12-31/..")
    assert denmark.offence is True
    assert denmark.citations.get(source__key="atop-4-01").joined == "1950-02-03"
    assert norway.citations.get(source__key="atop-4-01").joined == "1950-02-03"


@pytest.mark.slow
def test_published_files_on_top_of_cow(shared):
    folder = shared / "data"
    files = [str(folder / f"atop/atop-{name}-level.csv") for name in ("alliance", "member")]
    cow = str(folder / "cow/alliance_v4.1_by_member.csv")
    command("import_cow_alliances", cow, "--commit", "--accept-terms")
    command("import_atop", *files, "--commit", "--accept-terms")
    # Of the 394 rows that give a COW number, four are about other treaties: their members differ
    # (3785, 3810), or an older treaty has that number (3595, 3650). Three without one are joined
    # by members and days.
    assert Alliance.objects.filter(identifier__startswith="atop:").count() == 745 - 394 + 4 - 3
    assert Membership.objects.filter(offence=True).count() > 100
    assert Citation.objects.filter(source__key="atop-4-01", alliance__isnull=False).count() == 745
    again = command("import_atop", *files, "--commit", "--accept-terms")
    assert again.count("0 new, 0 changed") == 5
    again = command("import_cow_alliances", cow, "--commit", "--accept-terms")
    assert again.count("0 new, 0 changed") == 5
