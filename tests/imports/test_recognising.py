"""Existing records that a mapping recognises by its rules, and what a row may change in them."""

import pytest

from allies.imports.mapping import FileMapping, InvalidMapping
from allies.imports.runner import run_import
from allies.imports.tables import open_table
from allies.models import Alias, Alliance, Citation, Event, Membership, Participation, Source
from tests import factories
from tests.imports.files import write

pytestmark = pytest.mark.usefixtures("demo_data")

MEMBERS = {"column": "cow", "gather": {"per": "id", "join": " "}}


def run(nouns, path, *, commit=True):
    """Import a file; return the reports in the order of the record types."""
    mapping, table = FileMapping({"nouns": nouns}), open_table(path)
    return run_import(lambda plan: mapping.provided_records(table, plan), commit=commit)


def pacts(**more):
    fields = {
        "identifier": {"text": "t:{id}"},
        "kind": {"constant": "entente"},
        "title_en": {"column": "name"},
        "signed": {"column": "signed"},
    }
    return {"noun": "alliances", "fields": fields, "only_new": ["kind", "title_en"], **more}


@pytest.fixture
def pact(no_ties):
    """Create an alliance of Denmark and Norway without a data-set ID."""
    return factories.alliance("DNK", "NOR", title_en="Treaty of Oslo", signed="1957-03-04")


def rows_of(*codes, name="Pact", signed="1957-03-04", number=1):
    return [{"id": number, "name": name, "signed": signed, "cow": code} for code in codes]


class TestAlliances:
    BY_NAME = {"name": True, "compatible": ["signed"]}
    BY_MEMBERS = {"equal": ["signed"], "members": MEMBERS}

    @pytest.mark.parametrize(
        ("cells", "is_same"),
        [
            ({"name": "treaty of OSLO"}, True),
            ({"name": "OslTr"}, True),
            ({"name": "Treaty of Oslo", "signed": "1957"}, True),
            ({"name": "Treaty of Oslo", "signed": ""}, True),
            ({"name": "Treaty of Oslo", "signed": "1958"}, False),
            ({"name": "Treaty of Bergen"}, False),
        ],
    )
    def test_name_and_date_are_enough(self, cells, is_same, pact, tmp_path):
        Alias.objects.create(alliance=pact, name="OslTr")
        file = write(tmp_path / "a.csv", [{**rows_of(390)[0], **cells}])
        (report,) = run([pacts(same=[self.BY_NAME])], file)
        assert (report.updated, report.matched, report.created) == (
            (1, 1, 0) if is_same else (0, 0, 1)
        )
        pact.refresh_from_db()
        assert pact.identifier == ("t:1" if is_same else "")
        assert pact.title_en == "Treaty of Oslo"

    @pytest.mark.postgresql
    @pytest.mark.parametrize(
        ("codes", "signed", "is_same"),
        [
            ([390, 385], "1957-03-04", True),
            ([390, 385], "1957-03-05", False),
            ([390, 380], "1957-03-04", False),
            ([390, 385, 380], "1957-03-04", False),
        ],
    )
    def test_members_and_day_are_enough(self, codes, signed, is_same, pact, tmp_path):
        file = write(tmp_path / "a.csv", rows_of(*codes, signed=signed))
        (report,) = run([pacts(same=[self.BY_MEMBERS])], file)
        assert Alliance.objects.count() == (1 if is_same else 2)
        assert any("same signed, members" in text for text in report.remarks) == is_same

    def test_treaty_with_more_members_is_the_same(self, no_ties, tmp_path):
        factories.alliance("DNK", "NOR", "SWE", "ISL", signed="1957-03-04")
        file = write(tmp_path / "a.csv", rows_of(390, 385, 380))
        run([pacts(same=[self.BY_MEMBERS])], file)
        assert Alliance.objects.count() == 1

    def test_day_of_signature_may_be_ours_of_entry_into_force(self, pact, tmp_path):
        Alliance.objects.filter(pk=pact.pk).update(signed="", in_force="1957-03-04")
        run([pacts(same=[self.BY_MEMBERS])], write(tmp_path / "a.csv", rows_of(390, 385)))
        assert Alliance.objects.count() == 1

    def test_record_with_another_data_set_id_is_not_recognised(self, pact, tmp_path):
        Alliance.objects.filter(pk=pact.pk).update(identifier="t:7")
        run([pacts(same=[self.BY_MEMBERS])], write(tmp_path / "a.csv", rows_of(390, 385)))
        assert Alliance.objects.count() == 2

    def test_two_rows_are_never_the_same_record(self, pact, tmp_path):
        rows = rows_of(390, 385) + rows_of(390, 385, number=2)
        run([pacts(same=[self.BY_MEMBERS])], write(tmp_path / "a.csv", rows))
        assert sorted(Alliance.objects.values_list("identifier", flat=True)) == ["t:1", "t:2"]

    def test_undecided_row_is_left_out_with_all_that_refers_to_it(self, pact, tmp_path):
        other = factories.alliance("DNK", "NOR", title_en="Treaty of Bergen", signed="1957-03-04")
        members = {
            "noun": "memberships",
            "fields": {
                "alliance": {"text": "t:{id}"},
                "country": {"column": "cow", "country": "cow"},
            },
        }
        file = write(tmp_path / "a.csv", rows_of(390, 385))
        alliances, memberships = run([pacts(same=[self.BY_MEMBERS]), members], file)
        assert (alliances.left_out, memberships.left_out) == (2, 2)
        assert f"“Treaty of Oslo” ({pact.pk}), “{other}” ({other.pk})" in alliances.remarks[0]

    def test_later_rows_refer_to_the_recognised_record(self, pact, tmp_path):
        Source.objects.create(key="data", publisher="P", title="T", kind="dataset")
        cited = {
            "noun": "citations",
            "fields": {"source": {"constant": "data"}, "alliance": {"text": "t:{id}"}},
        }
        run([pacts(same=[self.BY_MEMBERS]), cited], write(tmp_path / "a.csv", rows_of(390, 385)))
        assert Citation.objects.get(source__key="data").alliance == pact


class TestMemberships:
    FIELDS = {
        "alliance": {"text": "t:{id}"},
        "country": {"column": "country"},
        "joined": {"column": "joined"},
        "left": {"column": "left"},
        "defence": {"column": "defence"},
    }
    NOUN = {
        "noun": "memberships",
        "fields": FIELDS,
        "only_new": ["left"],
        "only_empty": ["defence"],
        "same": [
            {
                "equal": ["alliance", "country"],
                "overlaps": ["joined", "left"],
                "successors": True,
            }
        ],
    }
    CITATIONS = {
        "noun": "citations",
        "fields": {
            "source": {"constant": "data"},
            "membership": {"text": "t:{id}/{country}/{joined}"},
            "locator": {"text": "{country} {joined}"},
            "joined": {"column": "joined"},
            "left": {"column": "left"},
        },
        "only_differing": True,
    }

    @pytest.fixture
    def norway(self, pact):
        Source.objects.create(key="data", publisher="P", title="T", kind="dataset")
        Alliance.objects.filter(pk=pact.pk).update(identifier="t:1")
        norway = pact.memberships.get(country__alpha3="NOR")
        norway.joined, norway.left = "1957-03-04", ""
        norway.save()
        return norway

    def load(self, tmp_path, **cells):
        cells = {"id": 1, "country": "NOR", "joined": "1957-03-04", "left": "", **cells}
        cells.setdefault("defence", "yes")
        return run([self.NOUN, self.CITATIONS], write(tmp_path / "m.csv", [cells]))

    @pytest.mark.postgresql
    def test_other_dates_become_dates_of_a_citation(self, norway, tmp_path):
        members, citations = self.load(tmp_path, joined="1958-01-01", left="1990-05-01")
        norway.refresh_from_db()
        assert (norway.joined, norway.left, norway.defence) == ("1957-03-04", "", True)
        cited = norway.citations.get()
        assert (cited.joined, cited.left) == ("1958-01-01", "1990-05-01")
        assert "kept: left “” (in the file: “1990-05-01”)" in members.remarks[0]
        assert (members.matched, citations.created) == (1, 1)
        members, citations = self.load(tmp_path, joined="1958-01-01", left="1990-05-01")
        assert (members.unchanged, citations.unchanged) == (1, 1)

    @pytest.mark.parametrize(
        ("joined", "left"),
        [("1957-03-04", ""), ("1957", "2012-12-31/.."), ("../1957-03-04", "")],
    )
    def test_dates_that_agree_need_no_citation(self, joined, left, norway, tmp_path):
        _members, citations = self.load(tmp_path, joined=joined, left=left)
        assert not norway.citations.exists()
        assert citations.rows == 0
        assert Membership.objects.filter(country=norway.country).count() == 1

    def test_unknown_beginning_is_filled_in(self, norway, tmp_path):
        Membership.objects.filter(pk=norway.pk).update(joined="")
        self.load(tmp_path, joined="1957-03-09")
        norway.refresh_from_db()
        assert norway.joined == "1957-03-09"
        assert not norway.citations.exists()

    def test_earlier_spell_is_a_new_membership_and_cited(self, norway, tmp_path):
        self.load(tmp_path, joined="1920", left="1930")
        spells = Membership.objects.filter(country=norway.country).order_by("joined")
        assert [spell.joined for spell in spells] == ["1920", "1957-03-04"]
        assert spells[0].citations.get().left == "1930"

    def test_spell_of_a_predecessor_is_the_one_of_its_successor(self, norway, tmp_path):
        Membership.objects.filter(pk=norway.pk).update(country=factories.country("DEU"))
        members, _citations = self.load(
            tmp_path, country="260", joined="1957-01-01", left="1990-10-02"
        )
        assert members.matched == 1
        assert norway.citations.get().joined == "1957-01-01"
        members, _citations = self.load(
            tmp_path, country="265", joined="1973-01-01", left="1990-10-02"
        )
        assert (members.matched, members.created) == (0, 1)


def votes(**more):
    fields = {
        "identifier": {"text": "u:{id}"},
        "kind": {"constant": "un-vote"},
        "title_en": {"constant": "Vote"},
        "date": {"column": "date"},
        "resolution": {"column": "resolution"},
    }
    rule = {"equal": ["resolution"], "compatible": ["date"], "schemes": ["old"], **more}
    return {
        "noun": "events",
        "fields": fields,
        "only_new": ["kind", "title_en"],
        "more_precise": ["date", "resolution"],
        "same": [rule],
    }


def roll_call(number, date, *parts, **fields):
    return factories.event(
        *parts, kind="un-vote", identifier=f"old:{number}", date=date, title_en="Old", **fields
    )


class TestEvents:
    def test_month_becomes_the_day(self, tmp_path):
        old = roll_call(1, "1971-10", resolution="A/RES/1")
        file = [{"id": 5, "date": "1971-10-25", "resolution": "A/RES/1"}]
        run([votes()], write(tmp_path / "v.csv", file))
        old.refresh_from_db()
        assert (old.date, old.title_en, old.identifier) == ("1971-10-25", "Old", "old:1")
        (report,) = run([votes()], write(tmp_path / "v.csv", file))
        assert (report.created, report.unchanged) == (0, 1)

    @pytest.mark.parametrize("date", ["1971-11-01", "1971"])
    def test_date_that_is_not_within_ours_changes_nothing(self, date, tmp_path):
        old = roll_call(1, "1971-10", resolution="A/RES/1")
        file = [{"id": 5, "date": date, "resolution": "A/RES/1"}]
        run([votes()], write(tmp_path / "v.csv", file))
        old.refresh_from_db()
        assert old.date == "1971-10"

    @pytest.mark.postgresql
    def test_numbers_of_votes_tell_roll_calls_apart(self, tmp_path):
        first = roll_call(1, "1971-10", ("NOR", "for"), ("DNK", "against"), resolution="R")
        second = roll_call(
            2, "1971-10", ("NOR", "for"), ("DNK", "for"), ("SWE", "against"), resolution="R"
        )
        counts = {"for": {"column": "yes"}, "against": {"column": "no"}}
        cells = {"id": 5, "date": "1971-10-25", "resolution": "R", "yes": 2, "no": 1}
        run([votes(counts=counts)], write(tmp_path / "v.csv", [cells]))
        first.refresh_from_db()
        second.refresh_from_db()
        assert (first.date, second.date) == ("1971-10", "1971-10-25")

    def test_vote_that_differs_is_kept_and_reported(self, tmp_path):
        old = roll_call(1, "1971-10", ("NOR", "for"), resolution="R")
        parts = {
            "noun": "participations",
            "fields": {
                "event": {"constant": "old:1"},
                "country": {"column": "country"},
                "role": {"column": "role"},
            },
            "only_new": ["role"],
            "same": [{"equal": ["event", "country"]}],
        }
        cells = [{"country": "NOR", "role": "against"}, {"country": "SWE", "role": "absent"}]
        (report,) = run([parts], write(tmp_path / "p.csv", cells))
        found = Participation.objects.filter(event=old).values_list("country__alpha3", "role")
        assert set(found) == {("NOR", "for"), ("SWE", "absent")}
        assert "role “for” (in the file: “against”)" in report.remarks[0]
        assert Event.objects.filter(resolution="R").count() == 1


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"equal": ["wikidata"]}, "can only name fields of the mapping"),
        ({}, "either “equal” or “name”"),
        ({"equal": ["signed"], "name": True}, "either “equal” or “name”"),
        ({"equal": ["signed"], "counts": {"for": {"column": "a"}}}, "“counts” cannot be used"),
        ({"equal": ["signed"], "overlaps": ["signed", "ended"]}, "can only name fields"),
        ({"equal": ["signed"], "values": {"kind": {"column": "a"}}}, "fields of “equal”"),
        ({"equal": ["signed"], "nearly": True}, "Unknown in the same"),
    ],
)
def test_invalid_rule_is_refused(rule, said):
    with pytest.raises(InvalidMapping, match=said):
        FileMapping({"nouns": [pacts(same=[rule])]})
