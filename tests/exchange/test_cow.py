"""COW's alliances: the real file where it is at hand, a small one of the same shape everywhere."""

import csv
import datetime as dt
import random
import re
from collections import defaultdict

import pytest
from django.core.management import CommandError

from allies.models import Alliance, Citation, Country, Membership
from tests.exchange.files import command, write

pytestmark = pytest.mark.usefixtures("starter")

IN_2012 = {
    *("ARM", "AZE", "BLR", "BGR", "CAN", "CHN", "FIN", "FRA", "GEO", "DEU", "KAZ"),
    *("KGZ", "MDA", "MNG", "PRK", "POL", "TJK", "TUR", "TKM", "UKR", "UZB"),
}
DEFENCE_IN_2012 = {
    *("ARM", "AZE", "BLR", "GEO", "KAZ", "KGZ", "MDA", "TJK", "TKM", "UKR", "UZB"),
}


def row(alliance, ccode, **given):
    cells = {
        "version4id": alliance,
        "ccode": ccode,
        "state_name": "",
        **{f"all_{side}_{part}": "" for side in ("st", "end") for part in ("day", "month", "year")},
        "ss_type": "Type I: Defense Pact",
        **{f"mem_{side}_{part}": "" for side in ("st", "end") for part in ("day", "month", "year")},
        "left_censor": 0,
        "right_censor": 1,
        "defense": 1,
        "neutrality": 0,
        "nonaggression": "",
        "entente": 1,
        "version": "4.1",
    }
    cells |= {"all_st_day": 1, "all_st_month": 2, "all_st_year": 1900}
    cells |= {"mem_st_day": 1, "mem_st_month": 2, "mem_st_year": 1900}
    return {**cells, **given}


def allies(visitor, query=""):
    response = visitor.get(f"/en/countries/russia/allies.csv{query}")
    lines = b"".join(response.streaming_content).decode().splitlines()
    return {line.split(",")[0] for line in lines[1:]}


def test_a_row_is_a_membership_and_its_alliance(tmp_path):
    file = write(
        tmp_path / "cow.csv",
        [
            row(9001, 365, left_censor=1, mem_st_day=1, mem_st_month=1, mem_st_year=1816),
            row(9001, 710, nonaggression=1),
            row(9002, 365, ss_type="Type IIb: Non-Aggression Pact", defense=0),
            row(9002, 365, ss_type="Type IIb: Non-Aggression Pact", mem_st_year=1950),
        ],
    )
    assert "--commit" in command("import_cow_alliances", str(file))
    assert not Alliance.objects.filter(identifier="cow:9001").exists()
    command("import_cow_alliances", str(file), "--commit")
    pact = Alliance.objects.published().get(identifier="cow:9001")
    assert (pact.kind, pact.in_force) == ("defence-pact", "1900-02-01")
    russia = pact.memberships.get(country__alpha3="RUS")
    china = pact.memberships.get(country__alpha3="CHN")
    assert russia.joined == "../1816-01-01"
    assert (russia.defence, russia.neutrality, russia.non_aggression) == (True, False, None)
    assert china.non_aggression is True
    assert Alliance.objects.get(identifier="cow:9002").memberships.count() == 2
    again = command("import_cow_alliances", str(file), "--commit")
    assert "2 unchanged" in again
    assert "4 unchanged" in again


def test_second_import_keeps_what_an_editor_improved(tmp_path):
    file = write(tmp_path / "cow.csv", [row(9001, 365), row(9001, 710)])
    command("import_cow_alliances", str(file), "--commit")
    Alliance.objects.filter(identifier="cow:9001").update(title_en="Better", status="withdrawn")
    command("import_cow_alliances", str(file), "--commit")
    kept = Alliance.objects.get(identifier="cow:9001")
    assert (kept.title_en, kept.status) == ("Better", "withdrawn")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"ss_type": "Type IX"}, "Type IX"),
        ({"all_st_month": 13}, "this is no day"),
    ],
)
def test_what_cannot_be_read_names_its_row(given, said, tmp_path):
    file = write(tmp_path / "cow.csv", [row(9001, 365), row(9002, 710, **given)])
    report = command("import_cow_alliances", str(file), fails=True)
    assert re.search(f"Row 3.*{said}", report)
    with pytest.raises(CommandError, match="Nothing was written"):
        command("import_cow_alliances", str(file), "--commit")
    assert not Alliance.objects.filter(identifier__startswith="cow:").exists()


def test_unknown_state_is_refused(tmp_path):
    file = write(tmp_path / "cow.csv", [row(9001, 365), row(9001, 999)])
    with pytest.raises(CommandError, match="Nothing was written"):
        command("import_cow_alliances", str(file), "--commit")
    assert not Alliance.objects.filter(identifier="cow:9001").exists()


class TestThePublishedFile:
    @pytest.fixture
    def cow(self, shared):
        file = shared / "data/cow/alliance_v4.1_by_member.csv"
        command("import_cow_alliances", str(file), "--commit")
        with file.open() as opened:
            return list(csv.DictReader(opened))

    def test_all_of_it_is_there_cited_and_public(self, cow, shared):
        alliances = Alliance.objects.filter(identifier__startswith="cow:")
        assert alliances.published().count() == alliances.count() == 414
        memberships = Membership.objects.filter(alliance__in=alliances)
        assert memberships.count() == len(cow) == 1221
        assert Citation.objects.filter(alliance__in=alliances).count() == 414
        again = command(
            "import_cow_alliances",
            str(shared / "data/cow/alliance_v4.1_by_member.csv"),
            "--commit",
        )
        assert "0 new, 0 changed, 1221 unchanged" in again

    def test_russia_at_the_end_of_2012(self, cow, visitor):
        assert allies(visitor, "?on=2012-12-31") >= IN_2012
        assert allies(visitor, "?on=2012-12-31") - IN_2012 <= {"CHN", "IRN", "PRK"}
        assert allies(visitor, "?on=2012-12-31&kind=defence-pact") == DEFENCE_IN_2012

    def test_any_country_and_day_gives_what_the_file_says(self, cow, visitor):
        def day(cells, side):
            year, month, number = (cells[f"mem_{side}_{p}"] for p in ("year", "month", "day"))
            return dt.date(int(year), int(month), int(number)) if year else None

        spells = defaultdict(list)
        for cells in cow:
            spells[cells["version4id"]].append(
                (int(cells["ccode"]), day(cells, "st"), day(cells, "end"))
            )
        slugs = dict(Country.objects.exclude(cow_code=None).values_list("cow_code", "slug"))
        code_of = {c.cow_code: c.code for c in Country.objects.exclude(cow_code=None)}
        ours = {"RUS", "CHN", "PRK", "IRN"}
        chance = random.Random(20240619)
        for _attempt in range(60):
            focus = chance.choice(sorted(slugs))
            on = dt.date(chance.randint(1816, 2012), chance.randint(1, 12), chance.randint(1, 28))
            expected = set()
            for members in spells.values():
                there = {c for c, start, end in members if start <= on and (not end or on <= end)}
                if focus in there:
                    expected |= {code_of[code] for code in there - {focus}}
            response = visitor.get(f"/en/countries/{slugs[focus]}/allies.csv?on={on}")
            lines = b"".join(response.streaming_content).decode().splitlines()[1:]
            found = {line.split(",")[0] for line in lines}
            if code_of[focus] in ours:
                assert found >= expected
                assert found - expected <= ours
            else:
                assert found == expected, (slugs[focus], on)
