"""COW's alliances: the published file if it is available, and small files of the same format."""

import csv
import datetime as dt
import json
import random
import re
from collections import Counter, defaultdict

import pytest
from django.core.management import CommandError
from django.urls import reverse

from allies.imports.mappings import built_in_mappings
from allies.models import Alliance, Changeset, Citation, Country, Membership, OldSlug, Source
from tests.imports.files import command, write

pytestmark = pytest.mark.usefixtures("demo_data")

IN_2012 = {
    *("ARM", "AZE", "BLR", "BGR", "CAN", "CHN", "FIN", "FRA", "GEO", "DEU", "KAZ"),
    *("KGZ", "MDA", "MNG", "PRK", "POL", "TJK", "TUR", "TKM", "UKR", "UZB"),
}
DEFENCE_IN_2012 = {
    *("ARM", "AZE", "BLR", "GEO", "KAZ", "KGZ", "MDA", "TJK", "TKM", "UKR", "UZB"),
}


PLEDGES = ("defense", "neutrality", "nonaggression", "entente")
KINDS = ("defence-pact", "neutrality-pact", "non-aggression-pact", "entente")


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


def import_cow(file):
    return command("import_cow_alliances", str(file), "--commit", "--accept-terms")


def allies(visitor, query=""):
    response = visitor.get(f"/en/countries/russia/allies.csv{query}")
    lines = b"".join(response.streaming_content).decode().splitlines()
    return {line.split(",")[0] for line in lines[1:]}


def test_row_becomes_membership_and_alliance(tmp_path):
    file = write(
        tmp_path / "cow.csv",
        [
            row(9001, 365, left_censor=1, mem_st_day=1, mem_st_month=1, mem_st_year=1816),
            row(9001, 710, nonaggression=1),
            row(9002, 365, ss_type="Type IIb: Non-Aggression Pact", defense=0),
            row(9002, 365, ss_type="Type IIb: Non-Aggression Pact", defense=0, mem_st_year=1950),
        ],
    )
    assert "--commit" in command("import_cow_alliances", str(file))
    assert not Alliance.objects.filter(identifier="cow:9001").exists()
    import_cow(file)
    pact = Alliance.objects.published().get(identifier="cow:9001")
    assert (pact.kind, pact.signed, pact.in_force) == ("defence-pact", "1900-02-01", "")
    russia = pact.memberships.get(country__alpha3="RUS")
    china = pact.memberships.get(country__alpha3="CHN")
    assert russia.joined == "../1816-01-01"
    assert (russia.defence, russia.neutrality, russia.non_aggression) == (True, False, None)
    assert china.non_aggression is True
    assert (russia.left, pact.ended) == ("2012-12-31/..", "2012-12-31/..")
    assert Alliance.objects.get(identifier="cow:9002").memberships.count() == 2
    again = import_cow(file)
    assert "2 unchanged" in again
    assert "4 unchanged" in again


def test_page_of_the_import_names_its_mapping(tmp_path, admin_client):
    file = write(tmp_path / "cow.csv", [row(9001, 365), row(9001, 710)])
    import_cow(file)
    changeset = Changeset.objects.applied().latest("pk")
    assert changeset.mapping_names
    page = admin_client.get(reverse("admin:allies_changeset_one", args=[changeset.pk]))
    for name in changeset.mapping_names:
        assert f"<dt>Mapping</dt><dd>{name}" in page.content.decode()


@pytest.mark.parametrize(
    ("pledges", "kind", "title"),
    [
        ([(1, 0, 0, 1), (0, 0, 0, 1)], "defence-pact", "Defence pact"),
        ([(0, 0, 0, 1), (0, 1, 1, 1)], "neutrality-pact", "Neutrality pact"),
        ([(0, 0, 1, 1), (0, 0, 0, 1)], "non-aggression-pact", "Non-aggression pact"),
        ([(0, 0, 0, 1), (0, 0, 0, 1)], "entente", "Entente"),
    ],
)
@pytest.mark.parametrize("label", ["Type IIa: Non-Aggression Pact", "Type III: Entente"])
def test_kind_is_the_strongest_pledge_of_any_member(pledges, kind, title, label, tmp_path):
    rows = [
        row(9001, code, ss_type=label, **dict(zip(PLEDGES, of_member, strict=True)))
        for code, of_member in zip((365, 710), pledges, strict=True)
    ]
    other = [row(9002, code, ss_type=label) for code in (365, 710)]
    import_cow(write(tmp_path / "cow.csv", rows + other))
    pact = Alliance.objects.get(identifier="cow:9001")
    assert (pact.kind, pact.title_en) == (kind, f"{title}, Russia–China (1900)")


def test_end_is_unknown_after_the_data_and_known_within_it(tmp_path):
    ended = {"right_censor": 0, "mem_end_day": 3, "mem_end_month": 4, "mem_end_year": 1950}
    over = {"all_end_day": 3, "all_end_month": 4, "all_end_year": 1950}
    file = write(
        tmp_path / "cow.csv",
        [
            row(9001, 365),
            row(9001, 710),
            row(9001, 2, **ended),
            row(9002, 365, **ended, **over),
            row(9002, 710, **ended, **over),
        ],
    )
    import_cow(file)
    going_on, over = (Alliance.objects.get(identifier=f"cow:{n}") for n in (9001, 9002))
    assert (going_on.ended, over.ended) == ("2012-12-31/..", "1950-04-03")
    lefts = dict(going_on.memberships.values_list("country__alpha3", "left"))
    assert lefts == {"RUS": "2012-12-31/..", "CHN": "2012-12-31/..", "USA": "1950-04-03"}
    again = import_cow(file)
    assert "0 new, 0 changed, 5 unchanged" in again


def test_titles_of_many_members_are_in_both_languages(tmp_path):
    file = write(tmp_path / "cow.csv", [row(9001, code) for code in (365, 710, 731, 630, 816)])
    import_cow(file)
    pact = Alliance.objects.get(identifier="cow:9001")
    assert pact.title_en == "Defence pact, Russia, China, North Korea and 2 more (1900)"
    assert pact.title_ind == "Pakta pertahanan, Rusia, China, Korea Utara dan 2 lainnya (1900)"


def test_second_import_keeps_an_editors_changes(tmp_path):
    file = write(tmp_path / "cow.csv", [row(9001, 365), row(9001, 710)])
    import_cow(file)
    Alliance.objects.filter(identifier="cow:9001").update(title_en="Better", status="withdrawn")
    import_cow(file)
    kept = Alliance.objects.get(identifier="cow:9001")
    assert (kept.title_en, kept.status) == ("Better", "withdrawn")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"defense": 0, "entente": 0}, "defense.*allowed: defence-pact"),
        ({"defense": "maybe"}, "maybe"),
        ({"all_st_month": 13}, "not a date"),
    ],
)
def test_unreadable_row_is_named(given, said, tmp_path):
    file = write(tmp_path / "cow.csv", [row(9001, 365), row(9002, 710, **given)])
    report = command("import_cow_alliances", str(file), fails=True)
    assert re.search(f"Row 3.*{said}", report)
    with pytest.raises(CommandError, match="Nothing was changed"):
        import_cow(file)
    assert not Alliance.objects.filter(identifier__startswith="cow:900").exists()


@pytest.fixture
def imported_before(tmp_path):
    """Import a file as the first version of the mapping did; return the file."""
    pledges = {"ss_type": "Type IIa: Non-Aggression Pact", "defense": 0, "neutrality": 1}
    file = write(
        tmp_path / "cow.csv",
        [row(number, code, **pledges) for number in (9001, 9002, 9003) for code in (365, 710)],
    )
    data = built_in_mappings()["cow-alliances-by-member"]
    alliances, memberships, citations, _of_members = data["nouns"]
    by_language = {"en": "Non-aggression pact of {y}: {m}", "id": "Pakta nonagresi tahun {y}: {m}"}
    titles = {
        language: {
            "text": text,
            "with": {
                "y": {"column": "all_st_year"},
                "m": {
                    "column": "ccode",
                    "gather": {"per": "version4id", "first": 3, "language": language},
                },
            },
        }
        for language, text in by_language.items()
    }
    fields = {
        **alliances["fields"],
        "slug": {"text": "cow-{version4id}"},
        "kind": {"constant": "non-aggression-pact"},
        "title_en": titles["en"],
        "title_ind": titles["id"],
        "in_force": {"date": ["all_st_year", "all_st_month", "all_st_day"]},
    }
    del fields["signed"], fields["wikidata"]
    first = {"nouns": [{"noun": "alliances", "fields": fields}, memberships, citations]}
    first["records"] = data["records"]
    own = tmp_path / "first.json"
    own.write_text(json.dumps(first))
    command("import_file", str(own), str(file), "--commit")
    return file


def test_terms_have_to_be_accepted(tmp_path):
    file = write(tmp_path / "cow.csv", [row(9001, 365), row(9001, 710)])
    with pytest.raises(CommandError, match="--accept-terms"):
        command("import_cow_alliances", str(file), "--commit")
    assert not Alliance.objects.filter(identifier="cow:9001").exists()


def test_old_address_of_a_treaty_leads_to_the_one_with_its_name(tmp_path, client, no_ties):
    file = write(tmp_path / "cow.csv", [row(243, 365), row(243, 290)])
    import_cow(file)
    Alliance.objects.filter(identifier="cow:243").update(
        slug="cow-243", title_en="Defence pact of 1900: Russia, Poland"
    )
    import_cow(file)
    pact = Alliance.objects.get(identifier="cow:243")
    assert (pact.slug, pact.title_en) == ("warsaw-pact", "Warsaw Pact")
    assert OldSlug.objects.filter(slug="cow-243", record_id=pact.pk).exists()
    response = client.get("/en/alliances/cow-243/")
    assert (response.status_code, response["Location"]) == (301, "/en/alliances/warsaw-pact/")


@pytest.mark.postgresql
def test_same_file_again_corrects_an_earlier_import(imported_before):
    edited = Alliance.objects.get(identifier="cow:9002")
    edited.kind, edited.title_en, edited.in_force = "organisation", "Our name", "1901"
    edited.save()
    known = Alliance.objects.get(identifier="cow:9003")
    known.signed = "1899-12-31"
    known.save()
    before = list(Alliance.objects.order_by("pk").values())
    counts = (Alliance.objects.count(), Membership.objects.count(), Citation.objects.count())

    preview = command("import_cow_alliances", str(imported_before))
    assert "alliances: 6 rows: 0 new, 3 changed, 0 unchanged, 3 duplicates" in preview
    assert "memberships: 6 rows: 0 new, 0 changed, 6 unchanged" in preview
    assert list(Alliance.objects.order_by("pk").values()) == before

    import_cow(imported_before)
    found = Alliance.objects.get(identifier="cow:9001")
    assert (found.kind, found.signed, found.in_force) == ("neutrality-pact", "1900-02-01", "")
    assert found.title_en == "Neutrality pact, Russia–China (1900)"
    assert found.title_ind == "Pakta netralitas, Rusia–China (1900)"
    edited.refresh_from_db()
    assert (edited.kind, edited.title_en, edited.in_force) == ("organisation", "Our name", "1901")
    assert (edited.signed, edited.title_ind) == ("", "Pakta netralitas, Rusia–China (1900)")
    known.refresh_from_db()
    assert (known.kind, known.signed) == ("neutrality-pact", "1899-12-31")
    assert counts == (
        Alliance.objects.count(),
        Membership.objects.count(),
        Citation.objects.count(),
    )
    again = import_cow(imported_before)
    assert "alliances: 6 rows: 0 new, 0 changed, 3 unchanged" in again

    corrected = Changeset.objects.order_by("pk")[Changeset.objects.count() - 2]
    command("undo_changeset", str(corrected.pk), "--commit")
    now = list(Alliance.objects.order_by("pk").values())
    assert [{**row, "updated_at": None} for row in now] == [
        {**row, "updated_at": None} for row in before
    ]


def test_day_of_entry_into_force_that_equals_the_signature_is_kept(tmp_path):
    file = write(tmp_path / "cow.csv", [row(9001, 365), row(9001, 710)])
    import_cow(file)
    pact = Alliance.objects.get(identifier="cow:9001")
    pact.in_force = pact.signed
    pact.save()
    import_cow(file)
    pact.refresh_from_db()
    assert pact.in_force == pact.signed == "1900-02-01"


def test_unknown_state_is_refused(tmp_path):
    file = write(tmp_path / "cow.csv", [row(9001, 365), row(9001, 999)])
    with pytest.raises(CommandError, match="Nothing was changed"):
        import_cow(file)
    assert not Alliance.objects.filter(identifier="cow:9001").exists()


def spells_of(cow):
    """Return the file's memberships: alliance number → [(COW code, first day, last day)]."""

    def day(cells, side):
        year, month, number = (cells[f"mem_{side}_{p}"] for p in ("year", "month", "day"))
        return dt.date(int(year), int(month), int(number)) if year else None

    spells = defaultdict(list)
    for cells in cow:
        spell = (int(cells["ccode"]), day(cells, "st"), day(cells, "end"))
        spells[cells["version4id"]].append(spell)
    return spells


def numbers_of_alliances():
    """Return the numbers in the file by the slugs of the alliances."""
    known = Alliance.objects.filter(identifier__startswith="cow:")
    return {a.slug: a.identifier.removeprefix("cow:") for a in known}


def ties_of(spells, focus, on):
    """Return {(COW code, alliance number)} of the ties of a focus country on a day."""
    found = set()
    for number, members in spells.items():
        there = {c for c, start, end in members if start <= on and (not end or on <= end)}
        if focus in there:
            found |= {(code, number) for code in there - {focus}}
    return found


def rows(visitor, address):
    response = visitor.get(address)
    assert response.status_code == 200, address
    return json.loads(b"".join(response.streaming_content))["rows"]


class TestOnTopOfTheStarterContent:
    @pytest.fixture
    def before(self):
        return {a.identifier: a for a in Alliance.objects.filter(identifier__startswith="cow:")}

    @pytest.mark.slow
    def test_what_is_known_since_stays_and_is_cited(self, before, shared):
        members = dict(Membership.objects.values_list("pk", "left"))
        report = import_cow(shared / "data/cow/alliance_v4.1_by_member.csv")
        after = {a.identifier: a for a in Alliance.objects.filter(identifier__startswith="cow:")}
        assert len(after) == 414
        for identifier, known in before.items():
            fields = ("pk", "slug", "title_en", "title_ind", "kind", "signed", "in_force", "ended")
            for name in fields:
                assert getattr(after[identifier], name) == getattr(known, name)
        assert dict(Membership.objects.values_list("pk", "left")).items() >= (members.items())
        nato = before["cow:227"]
        assert Alliance.objects.filter(title_en__contains="North Atlantic Treaty").count() == 1
        germany = nato.memberships.get(country__alpha3="DEU")
        assert not nato.memberships.filter(country__cow_code=260).exists()
        cited = germany.citations.filter(source__key="cow-alliances-4-1")
        assert set(cited.values_list("joined", "left")) == {
            ("1990-10-03", "2012-12-31/.."),
            ("1954-10-23", "1990-10-02"),
        }
        assert "overlapping period" in report
        again = import_cow(shared / "data/cow/alliance_v4.1_by_member.csv")
        assert "alliances: 1221 rows: 0 new, 0 changed" in again
        assert "memberships: 1221 rows: 0 new, 0 changed" in again
        assert again.count("0 new, 0 changed") == 5


class TestPublishedFile:
    @pytest.fixture
    def cow(self, no_ties, shared):
        file = shared / "data/cow/alliance_v4.1_by_member.csv"
        import_cow(file)
        with file.open() as opened:
            return list(csv.DictReader(opened))

    def test_all_alliances_are_imported_cited_and_public(self, cow, shared):
        alliances = Alliance.objects.filter(identifier__startswith="cow:")
        assert alliances.published().count() == alliances.count() == 414
        memberships = Membership.objects.filter(alliance__in=alliances)
        assert memberships.count() == len(cow) == 1221
        assert Citation.objects.filter(alliance__in=alliances).count() == 414
        again = import_cow(shared / "data/cow/alliance_v4.1_by_member.csv")
        assert "0 new, 0 changed, 1221 unchanged" in again

    def test_treaties_have_their_names_and_the_source_its_coverage(self, cow, client):
        nato = Alliance.objects.get(identifier="cow:227")
        assert nato.slug == "north-atlantic-treaty-organization-nato"
        assert nato.title_ind == "Pakta Pertahanan Atlantik Utara (NATO)"
        assert nato.wikidata == "Q7184"
        mongolia = Alliance.objects.get(identifier="cow:161")
        assert mongolia.title_en == "Defence pact, Russia–Mongolia (1936)"
        assert mongolia.title_ind == "Pakta pertahanan, Rusia–Mongolia (1936)"
        assert Alliance.objects.exclude(slug__startswith="cow-").count() == 58
        source = Source.objects.get(key="cow-alliances-4-1")
        assert (source.covers_from, source.covers_to) == ("1816-01-01", "2012-12-31")
        assert source.redistribution is False

    def test_kinds_are_the_known_answers(self, cow, shared):
        expected = Counter()
        with (shared / "known-answers/cow41_type_against_flags.csv").open() as file:
            for cells in csv.DictReader(file):
                pledges = zip(PLEDGES, KINDS, strict=True)
                kind = next(kind for pledge, kind in pledges if cells[pledge] == "1")
                expected[kind] += int(cells["alliances"])
        alliances = Alliance.objects.filter(identifier__startswith="cow:")
        assert Counter(alliances.values_list("kind", flat=True)) == expected
        assert [expected[kind] for kind in KINDS] == [205, 90, 67, 52]
        assert not alliances.exclude(in_force="").exists()
        nato = alliances.get(identifier="cow:227")
        assert (nato.signed, nato.kind) == ("1949-04-04", "defence-pact")

    def test_allies_of_russia_at_the_end_of_2012(self, cow, client):
        assert allies(client, "?on=2012-12-31") == IN_2012
        assert allies(client, "?on=2012-12-31&kind=defence-pact") == DEFENCE_IN_2012

    @pytest.mark.parametrize("on", ["1950-01-01", "1990-06-30", "2012-12-31"])
    def test_allies_of_russia_on_a_day_match_the_file(self, on, cow, client):
        expected = ties_of(spells_of(cow), 365, dt.date.fromisoformat(on))
        assert len(expected) >= 10
        numbers = numbers_of_alliances()
        code_of = {c.code: c.cow_code for c in Country.objects.all()}
        found = {
            (code_of[row["country"]], numbers[slug])
            for row in rows(client, f"/en/countries/russia/allies.json?on={on}")
            for slug in row["alliances"]
        }
        assert found == expected

    @pytest.mark.parametrize(("on", "certain"), [("2012-12-31", True), ("2013-01-01", False)])
    def test_ties_after_the_end_of_the_data_are_uncertain(self, on, certain, cow, client):
        still = defaultdict(set)
        for cells in cow:
            if cells["right_censor"] == "1":
                still[cells["version4id"]].add(int(cells["ccode"]))
        expected = {code for members in still.values() if 365 in members for code in members} - {
            365
        }
        code_of = {c.code: c.cow_code for c in Country.objects.all()}
        found = {
            code_of[row["country"]]: row["certain"]
            for row in rows(client, f"/en/countries/russia/allies.json?on={on}")
        }
        assert found.keys() == expected
        assert set(found.values()) == {certain}
        page = client.get("/en/countries/ukraine/allies/").content.decode()
        assert "2012" in page
        assert not re.search(r"[1-9]\d* (confirmed|possible)", page)

    @pytest.mark.slow
    def test_changes_between_any_two_days_match_the_file(self, cow, client):
        spells = spells_of(cow)
        slugs = dict(Country.objects.exclude(cow_code=None).values_list("cow_code", "slug"))
        cow_of = {c.code: c.cow_code for c in Country.objects.exclude(cow_code=None)}
        focuses = sorted(slugs)
        # Mostly states with many ties: most states in the file have few, and would show no changes.
        often = [2, 200, 220, 255, 325, 300, 640, 651, 700]
        chance = random.Random(19140701)
        seen = {"began": 0, "ended": 0, "changed": 0}
        numbers = numbers_of_alliances()
        for attempt in range(60):
            focus = chance.choice(often if attempt % 3 else focuses)
            start, end = sorted(
                dt.date(chance.randint(1816, 2012), chance.randint(1, 12), chance.randint(1, 28))
                for _side in range(2)
            )
            before, after = ties_of(spells, focus, start), ties_of(spells, focus, end)
            expected = {}
            for code in {country for country, _number in before ^ after}:
                had = {number for country, number in before if country == code}
                has = {number for country, number in after if country == code}
                change = "began" if not had else "changed" if has else "ended"
                expected[code] = (change, has - had, had - has)
            path = f"/en/countries/{slugs[focus]}/allies"
            found = {}
            for row in rows(client, f"{path}/changes.json?from={start}&to={end}"):
                began, ended = (
                    {numbers[slug] for slug in row[part]} for part in ("began", "ended")
                )
                found[cow_of[row["country"]]] = (row["change"], began, ended)
                seen[row["change"]] += 1
                for date in [*row["began_dates"], *row["ended_dates"]]:
                    assert date == "XXXX" or str(start) <= date.lstrip("./") <= str(end), row
            assert found == expected, (slugs[focus], start, end)
            at_start, at_end = (
                {cow_of[row["country"]] for row in rows(client, f"{path}.json?on={day}")}
                for day in (start, end)
            )
            began, ended = (
                {code for code, (change, _began, _ended) in found.items() if change == wanted}
                for wanted in ("began", "ended")
            )
            assert (at_start | began) - ended == at_end
        assert min(seen.values()) > 10, seen

    @pytest.mark.slow
    def test_allies_of_any_country_on_any_day_match_the_file(self, cow, client):
        spells = spells_of(cow)
        slugs = dict(Country.objects.exclude(cow_code=None).values_list("cow_code", "slug"))
        code_of = {c.cow_code: c.code for c in Country.objects.exclude(cow_code=None)}
        chance = random.Random(20240619)
        for _attempt in range(60):
            focus = chance.choice(sorted(slugs))
            on = dt.date(chance.randint(1816, 2012), chance.randint(1, 12), chance.randint(1, 28))
            expected = {code_of[code] for code, _number in ties_of(spells, focus, on)}
            response = client.get(f"/en/countries/{slugs[focus]}/allies.csv?on={on}")
            lines = b"".join(response.streaming_content).decode().splitlines()[1:]
            found = {line.split(",")[0] for line in lines}
            assert found == expected, (slugs[focus], on)
