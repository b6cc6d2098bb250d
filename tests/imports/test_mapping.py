"""Mappings: import files with any columns, without code."""

import json

import pytest
from django.core.management import CommandError
from django.http import QueryDict

from allies.admin.changesets.mapping_form import parse_form
from allies.imports.mapping import FileMapping, InvalidMapping
from allies.imports.mapping_suggestions import suggest_mapping
from allies.imports.mappings import built_in_mappings
from allies.imports.plan import Plan
from allies.imports.runner import ImportRejected, run_import
from allies.imports.tables import open_table
from allies.models import (
    Alias,
    Alliance,
    Country,
    Event,
    Mapping,
    Membership,
    Participation,
    Source,
)
from tests.imports.files import command, write

pytestmark = pytest.mark.usefixtures("demo_data")


def run(data, path, *, commit=True, **options):
    """Import a file by a mapping; return the reports by record type."""
    mapping, table = FileMapping(data), open_table(path)
    reports = run_import(
        lambda plan: mapping.provided_records(table, plan),
        commit=commit,
        **options,
    )
    return {report.noun: report for report in reports}


def refusals(data, path):
    return [
        (e.row, e.column, e.value, e.message)
        for report in run(data, path, commit=False).values()
        for e in report.errors
    ]


def memberships(**fields):
    return {"nouns": [{"noun": "memberships", "fields": fields}]}


def alliances(**fields):
    fields = {"identifier": {"text": "t:{id}"}, "kind": {"constant": "entente"}, **fields}
    return {"nouns": [{"noun": "alliances", "fields": fields}]}


def titles(spec, tmp_path, *cells):
    """Return the titles of alliances that a spec makes of these cells in column "a"."""
    Alliance.objects.filter(identifier__startswith="t:").delete()
    rows = [{"id": n, "a": cell} for n, cell in enumerate(cells)]
    run(alliances(title_en=spec), write(tmp_path / "a.csv", rows))
    return [Alliance.objects.get(identifier=f"t:{n}").title_en for n in range(len(cells))]


PACT = "china-russia-good-neighbourliness-treaty"


@pytest.fixture
def pact():
    return Alliance.objects.exclude(identifier__startswith="cow:").first()


@pytest.mark.parametrize(
    ("spec", "title"),
    [
        ({"column": "a", "values": {"x": "X"}, "unlisted": "", "else": {"constant": "-"}}, "-"),
        ({"column": "a", "values": {"A/RES[ B ]": "X"}, "unlisted": ""}, "X"),
        ({"column": "a", "remove": ["[", "]", " "]}, "A/RESB"),
        ({"text": "12{a}", "digits": True}, "12"),
        ({"text": "{a} ({a})", "slugify": True}, "ares-b-ares-b"),
        (
            {"text": "{a}", "with": {"a": {"constant": "Õ" * 90 + " tail of it"}}, "slugify": True},
            "o" * 90 + "-tail-of",
        ),
    ],
)
def test_steps_of_a_text(spec, title, tmp_path):
    assert titles(spec, tmp_path, "A/RES[ B ]") == [title]


@pytest.mark.parametrize(
    ("gather", "cells", "titles"),
    [
        ({"per": "g", "join": " "}, ["2", "200", "2"], ["2 200"] * 3),
        (
            {"per": "g", "first": 3, "language": "en", "pair": "–"},
            ["2", "20"],
            ["United States–Canada"] * 2,
        ),
        ({"through": "b", "join": "+"}, ["2", "200"], ["2+9", "200+9"]),
    ],
)
def test_values_are_collected(gather, cells, titles, tmp_path):
    Alliance.objects.filter(identifier__startswith="t:").delete()
    rows = [{"id": n, "g": 1, "a": cell, "b": 9} for n, cell in enumerate(cells)]
    run(alliances(title_en={"column": "a", "gather": gather}), write(tmp_path / "a.csv", rows))
    found = [Alliance.objects.get(identifier=f"t:{n}").title_en for n in range(len(cells))]
    assert found == titles


def test_only_first_of_consecutive_rows_is_used(tmp_path):
    data = alliances(title_en={"column": "a"})
    data["nouns"][0]["once_per"] = "id"
    rows = [{"id": n, "a": f"Pact {n}"} for n in (1, 1, 2)]
    report = run(data, write(tmp_path / "a.csv", rows))["alliances"]
    assert (report.rows, report.created, report.repeated) == (2, 2, 0)


def test_text_that_repeats_a_column_is_limited(tmp_path, settings):
    settings.IMPORT_MAX_CELL_LENGTH = 1000
    path = write(tmp_path / "a.csv", [{"country": "RUS", "a": "x" * 100}])
    text = {"text": "{a}" * 8000}
    data = {
        "nouns": [{"noun": "aliases", "fields": {"country": {"column": "country"}, "name": text}}]
    }
    ((row, column, value, message),) = refusals(data, path)
    assert (row, column) == (2, "a")
    assert len(value) < 100
    assert "more than 1000 characters" in message


class TestSpecs:
    @pytest.mark.parametrize(
        ("spec", "cell", "joined"),
        [
            ({"column": "since"}, "May 2024", "2024-05"),
            ({"column": "since", "order": "dmy"}, "03/04/2020", "2020-04-03"),
            ({"column": "since", "order": "mdy"}, "03/04/2020", "2020-03-04"),
            ({"column": "since", "order": "ymd"}, "2020.4.3", "2020-04-03"),
            ({"column": "since", "order": "dmy"}, "1999", "1999"),
            ({"column": "since", "nothing": ["-9", "3000", "-0-"]}, "-9", ""),
            ({"column": "since", "nothing": ["-9", "3000", "-0-"]}, "-0-", ""),
            ({"constant": "1955"}, "what", "1955"),
            ({"text": "{since}/.."}, "1990", "1990/.."),
            ({"column": "since", "precision": "month"}, "1971-10-07", "1971-10"),
            ({"column": "since", "precision": "year"}, "1971-10-07", "1971"),
            ({"column": "since", "precision": "month"}, "1971", "1971"),
            ({"column": "since", "precision": "month", "order": "dmy"}, "07/10/1971", "1971-10"),
        ],
    )
    def test_date_is_parsed_as_the_mapping_says(self, spec, cell, joined, pact, tmp_path):
        file = write(tmp_path / "m.csv", [{"state": "THA", "since": cell}])
        run(
            memberships(alliance={"constant": pact.slug}, country={"column": "state"}, joined=spec),
            file,
        )
        assert pact.memberships.get(country__alpha3="THA").joined == joined

    @pytest.mark.parametrize(
        ("parts", "joined"),
        [
            (("1955", "5", "14"), "1955-05-14"),
            (("1955", "5", ""), "1955-05"),
            (("1955", "-9", "-9"), "1955"),
            (("-9", "5", "14"), ""),
        ],
    )
    def test_date_in_three_columns_is_as_precise_as_its_parts(self, parts, joined, pact, tmp_path):
        row = dict(zip(("y", "m", "d"), parts, strict=True))
        file = write(tmp_path / "m.csv", [{"state": "THA", **row}])
        date = {"date": ["y", "m", "d"], "nothing": ["-9"]}
        run(
            memberships(alliance={"constant": pact.slug}, country={"column": "state"}, joined=date),
            file,
        )
        assert pact.memberships.get(country__alpha3="THA").joined == joined

    @pytest.mark.parametrize(
        ("system", "cell"),
        [
            ("alpha2", "NA"),
            ("alpha3", "nam"),
            ("m49", "516"),
            ("cow", "565"),
            ("name", "Namibia"),
            ("any", "565"),
        ],
    )
    def test_country_is_identified_by_the_code_in_the_mapping(self, system, cell, pact, tmp_path):
        file = write(tmp_path / "m.csv", [{"state": cell}])
        country = {"column": "state", "country": system}
        run(memberships(alliance={"constant": pact.slug}, country=country), file)
        assert pact.memberships.filter(country__name_en="Namibia").exists()

    def test_date_in_three_columns_can_be_reduced_to_its_month(self, pact, tmp_path):
        file = write(tmp_path / "m.csv", [{"state": "THA", "y": "1955", "m": "5", "d": "14"}])
        date = {"date": ["y", "m", "d"], "precision": "month"}
        run(
            memberships(alliance={"constant": pact.slug}, country={"column": "state"}, joined=date),
            file,
        )
        assert pact.memberships.get(country__alpha3="THA").joined == "1955-05"

    @pytest.mark.parametrize(
        ("spec", "cell", "title"),
        [
            ({"before": [" / ", ";"]}, "Pact; text / page 3", "Pact"),
            ({"before": [" / "]}, "Pact", "Pact"),
            ({"part": {"by": "/", "number": 2}}, "A/12/B", "12"),
            ({"part": {"by": "/", "number": 3}}, "A/12/B/C", "B"),
            ({"part": {"by": "/", "number": 3}}, "A/12", "–"),
            ({"part": {"by": "/", "number": 2}, "values": {"12": "XII"}}, "A/12", "XII"),
            ({"sentence": ["NATO", "Southern Africa"]}, "SOUTHERN AFRICA, NATO", None),
            ({"sentence": ["Southern Africa", "South"]}, "THE SOUTH", "The South"),
            ({"sentence": ["UN"]}, "UNITED IN THE UN-BUDGET", "United in the UN-budget"),
            ({"sentence": []}, "PEACE (1925)", "Peace (1925)"),
            ({"sentence": ["Peace"]}, "PEACE and QUIET", "PEACE and QUIET"),
            ({"sentence": ["U.S."]}, "U.S.A. AND U.S.", "U.s.a. and U.S."),
            ({"longest": 4}, "Pact", "Pact"),
            ({"longest": 4}, "Pacts", "–"),
        ],
    )
    def test_text_is_shortened_and_written_as_the_mapping_says(self, spec, cell, title, tmp_path):
        title = title or "Southern Africa, NATO"
        assert titles({"column": "a", **spec, "else": {"constant": "–"}}, tmp_path, cell) == [title]

    @pytest.mark.parametrize(
        ("condition", "cells"),
        [
            ({"starts": ["p", "q"]}, ["pact", "quit"]),
            ({"ends": ["t"]}, ["pact", "quit"]),
            ({"has": ["ac", "x"]}, ["pact"]),
            ({"from": "b", "to": "pz"}, ["pact"]),
            ({"from": "pact"}, ["pact", "quit"]),
            ({"to": "a"}, ["a"]),
            ({"longest": 3}, ["a"]),
            ({"is": ["a", "quit"], "starts": ["q"]}, ["quit"]),
            ({}, ["a", "pact", "quit"]),
        ],
    )
    def test_field_is_filled_only_if_its_condition_holds(self, condition, cells, tmp_path):
        every = ["a", "pact", "quit", ""]
        when = {"constant": "yes", "when": {"column": "a", **condition}, "else": {"constant": "–"}}
        expected = ["yes" if cell in cells else "–" for cell in every]
        assert titles(when, tmp_path, *every) == expected
        unless = {"constant": "–", "unless": {"column": "a", **condition}}
        unless["else"] = {"constant": "yes"}
        assert titles(unless, tmp_path, *every) == expected

    def test_all_conditions_of_a_list_must_hold(self, tmp_path):
        both = [{"column": "a", "starts": ["p"]}, {"column": "a", "ends": ["t"]}]
        spec = {"constant": "yes", "when": both, "else": {"constant": "–"}}
        assert titles(spec, tmp_path, "pact", "pac", "act") == ["yes", "–", "–"]
        spec = {"constant": "yes", "unless": both, "else": {"constant": "–"}}
        assert titles(spec, tmp_path, "pact", "pac", "act", "x") == ["–", "–", "–", "yes"]

    def test_specs_to_use_instead_are_tried_in_turn(self, tmp_path):
        tried = [{"constant": n, "when": {"column": "a", "is": [n]}} for n in ("2", "3")]
        spec = {"constant": "1", "when": {"column": "a", "is": ["1"]}, "else": tried}
        spec["else"].append({"constant": "–"})
        assert titles(spec, tmp_path, "1", "2", "3", "4") == ["1", "2", "3", "–"]

    def test_condition_can_hold_in_any_row_of_the_same_record(self, tmp_path):
        rows = [
            {"id": n, "group": g, "a": a}
            for n, (g, a) in enumerate([("x", "0"), ("x", "1"), ("y", "0"), ("z", "1"), ("y", "")])
        ]
        when = {"column": "a", "is": ["1"], "per": "group"}
        spec = {"constant": "yes", "when": when, "else": {"constant": "–"}}
        data = alliances(title_en=spec)
        assert set(FileMapping(data).columns) == {"id", "a", "group"}
        run(data, write(tmp_path / "a.csv", rows))
        found = Alliance.objects.filter(identifier__startswith="t:").order_by("identifier")
        assert [a.title_en for a in found] == ["yes", "yes", "–", "yes", "–"]

    def test_number_of_another_code_is_refused(self, pact, tmp_path):
        file = write(tmp_path / "m.csv", [{"state": "565"}])
        country = {"column": "state", "country": "m49"}
        data = memberships(alliance={"constant": pact.slug}, country=country)
        ((row, column, value, message),) = refusals(data, file)
        assert (row, column, value) == (2, "state", "565")
        assert "m49" in message

    def test_value_not_in_the_mapping_is_refused_with_the_known_values(self, pact, tmp_path):
        file = write(tmp_path / "m.csv", [{"state": "THA", "part": "boss"}])
        role = {"column": "part", "values": {"full": "member", "odd": ""}}
        data = memberships(alliance={"constant": pact.slug}, country={"column": "state"}, role=role)
        ((row, column, value, message),) = refusals(data, file)
        assert (row, column, value) == (2, "part", "boss")
        assert "full" in message

    def test_value_without_a_translation_is_refused(self, pact, tmp_path):
        file = write(tmp_path / "m.csv", [{"state": "THA", "part": "odd"}])
        role = {"column": "part", "values": {"full": "member", "odd": ""}}
        data = memberships(alliance={"constant": pact.slug}, country={"column": "state"}, role=role)
        assert len(refusals(data, file)) == 1

    def test_rows_that_do_not_match_the_condition_are_skipped(self, pact, tmp_path):
        rows = [{"state": "THA", "what": "x"}, {"state": "VNM", "what": "y"}]
        data = memberships(alliance={"constant": pact.slug}, country={"column": "state"})
        data["nouns"][0]["when"] = {"column": "what", "is": ["y"]}
        (report,) = run(data, write(tmp_path / "m.csv", rows)).values()
        assert report.rows == 1
        assert not pact.memberships.filter(country__alpha3="THA").exists()


def test_deferred_row_keeps_its_errors(tmp_path):
    """A row that refers to a later one is deferred; its other cells keep their errors."""
    rows = [
        {"key": "second", "from": "first", "kind": "odd", "p": "B", "t": "b"},
        {"key": "first", "from": "", "kind": "paper", "p": "A", "t": "a"},
    ]
    names = {"key": "key", "publisher": "p", "title": "t", "derived_from": "from"}
    fields = {ours: {"column": theirs} for ours, theirs in names.items()}
    fields["kind"] = {"column": "kind", "values": {"paper": "news", "odd": ""}}
    data = {"nouns": [{"noun": "sources", "fields": fields}]}
    ((row, column, value, _message),) = refusals(data, write(tmp_path / "s.csv", rows))
    assert (row, column, value) == (2, "kind", "odd")


def test_field_can_be_fed_in_some_rows_only(pact, tmp_path):
    rows = [
        {"state": "THA", "until": "1990", "open": "0"},
        {"state": "VNM", "until": "", "open": "1"},
        {"state": "LAO", "until": "", "open": "0"},
    ]
    left = {
        "constant": "2012-12-31/..",
        "when": {"column": "open", "is": ["1"]},
        "else": {"column": "until"},
    }
    data = memberships(
        alliance={"constant": pact.slug}, country={"column": "state", "country": "any"}, left=left
    )
    assert FileMapping(data).missing(["state", "until"]) == ["open"]
    run(data, write(tmp_path / "m.csv", rows))
    lefts = dict(pact.memberships.values_list("country__alpha3", "left"))
    assert (lefts["THA"], lefts["VNM"], lefts["LAO"]) == ("1990", "2012-12-31/..", "")


class TestEarlierValues:
    """``replaces``: what an earlier version of a mapping wrote is corrected, edits are kept."""

    DATA = alliances(
        title_en={"column": "new"},
        kind={"constant": "defence-pact"},
        signed={"column": "day"},
        in_force={"constant": ""},
        summary_en={"column": "new"},
    )
    REPLACES = (
        {"title_en": {"text": "{old}!"}},
        {"title_en": {"column": "old"}},
        {"kind": {"constant": "entente"}},
        {"signed": {"constant": ""}, "in_force": {"column": "day"}},
    )

    @pytest.fixture
    def data(self):
        (noun,) = self.DATA["nouns"]
        return {"nouns": [{**noun, "replaces": list(self.REPLACES)}]}

    @pytest.fixture
    def file(self, tmp_path):
        rows = [{"id": "1", "old": "Old", "new": "New", "day": "1950-04-03"}]
        return write(tmp_path / "a.csv", rows)

    @pytest.mark.postgresql
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ({"title_en": "Old"}, {"title_en": "New"}),
            ({"title_en": "Old!"}, {"title_en": "New"}),
            ({"title_en": "Better"}, {"title_en": "Better"}),
            ({"kind": "entente"}, {"kind": "defence-pact"}),
            ({"kind": "organisation"}, {"kind": "organisation"}),
            ({"in_force": "1950-04-03"}, {"signed": "1950-04-03", "in_force": ""}),
            ({"in_force": "1951"}, {"signed": "", "in_force": "1951"}),
            (
                {"signed": "1950-04-02", "in_force": "1950-04-03"},
                {"signed": "1950-04-02", "in_force": "1950-04-03"},
            ),
            ({"summary_en": "Edited"}, {"summary_en": "New"}),
        ],
    )
    def test_only_values_of_an_earlier_mapping_are_replaced(self, before, after, data, file):
        known = {"kind": "entente", "title_en": "Old", **before}
        pact = Alliance.objects.create(slug="t-1", identifier="t:1", **known)
        run(data, file)
        pact.refresh_from_db()
        assert {name: getattr(pact, name) for name in after} == after
        (report,) = run(data, file).values()
        assert report.unchanged == 1

    def test_new_record_gets_the_new_values(self, data, file):
        run(data, file)
        pact = Alliance.objects.get(identifier="t:1")
        assert (pact.title_en, pact.kind) == ("New", "defence-pact")
        assert (pact.signed, pact.in_force) == ("1950-04-03", "")

    def test_earlier_value_that_cannot_be_read_replaces_nothing(self, data, file):
        refused = {"column": "old", "values": {"other": "entente"}}
        data["nouns"][0]["replaces"] = [{"kind": refused}, {"signed": {"column": "old"}}]
        Alliance.objects.create(slug="t-1", identifier="t:1", title_en="T", kind="entente")
        (report,) = run(data, file).values()
        assert (report.updated, report.refused) == (1, 0)
        assert Alliance.objects.get(identifier="t:1").kind == "entente"

    def test_columns_of_earlier_values_are_required(self, data):
        assert FileMapping(data).missing(["id", "new", "day"]) == ["old"]

    def test_row_that_waits_for_its_original_keeps_its_earlier_values(self, tmp_path):
        names = ("key", "publisher", "title", "derived_from")
        fields = {name: {"column": name} for name in names}
        noun = {"noun": "sources", "fields": fields, "replaces": [{"title": {"column": "old"}}]}
        Source.objects.create(key="copy", publisher="P", title="Old")
        rows = [
            {"key": "copy", "publisher": "P", "title": "New", "derived_from": "orig", "old": "Old"},
            {"key": "orig", "publisher": "P", "title": "T", "derived_from": "", "old": ""},
        ]
        run({"nouns": [noun]}, write(tmp_path / "s.csv", rows))
        copy = Source.objects.get(key="copy")
        assert (copy.title, copy.derived_from.key) == ("New", "orig")

    def test_form_keeps_earlier_values_of_fields_that_it_keeps(self, data):
        post = QueryDict(mutable=True)
        for name in ("identifier", "kind", "title_en", "signed"):
            post[f"0-{name}-from"] = "=kept"
        (noun,) = parse_form(data, post, {})["nouns"]
        assert noun["replaces"] == list(self.REPLACES[:3])


class TestUnknownCountries:
    @pytest.fixture
    def file(self, tmp_path):
        return write(
            tmp_path / "m.csv", [{"state": "Ruritania"}, {"state": "Atlantis"}, {"state": "THA"}]
        )

    @pytest.fixture
    def data(self, pact):
        country = {"column": "state", "country": "any"}
        return memberships(alliance={"constant": pact.slug}, country=country)

    def test_unknown_countries_refuse_their_rows_and_are_counted(self, file, data, tmp_path):
        mapping, table = FileMapping(data), open_table(file)
        with Plan(tmp_path / "plan", keep_rows=True) as plan:
            from allies.imports.plan_builder import make_plan

            (report,) = make_plan(plan, mapping.provided_records(table, plan))
            assert sorted(text for text, _rows, _advice in plan.unknown_countries()) == [
                "Atlantis",
                "Ruritania",
            ]
        assert report.refused == 2

    def test_unknown_countries_can_be_mapped_saved_as_aliases_or_skipped(self, file, data, pact):
        data |= {"countries": {"Ruritania": "VNM", "Atlantis": ""}, "aliases": ["Ruritania"]}
        reports = run(data, file)
        assert (reports["memberships"].created, reports["memberships"].left_out) == (2, 1)
        assert pact.memberships.filter(country__alpha3="VNM").exists()
        assert Alias.objects.get(name="Ruritania").country.alpha3 == "VNM"


ALIASES = {"noun": "aliases", "fields": {"name": {"column": "a"}}}


def field(**spec):
    return {"nouns": [{"noun": "aliases", "fields": {"name": spec}}]}


def nested(depth):
    spec = {"column": "a"}
    for _level in range(depth):
        spec = {"column": "a", "else": spec}
    return spec


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "names no record type"),
        ({"nouns": [{"noun": "planets", "fields": {}}]}, "planets"),
        ({"nouns": [{"noun": "aliases", "fields": {"colour": {"column": "a"}}}]}, "colour"),
        ({"nouns": [{"noun": "aliases", "fields": {"name": {}}}]}, "one of"),
        ({"nouns": [{"noun": "aliases", "fields": {"name": {"column": "a", "x": 1}}}]}, "x"),
        ({"nouns": [], "colour": 1}, "colour"),
        ([], "not a mapping"),
        ({"nouns": {"noun": "aliases"}}, "wrong type"),
        ({"nouns": ["aliases"]}, "not a mapping"),
        ({"nouns": [{"noun": "aliases", "fields": []}]}, "wrong type"),
        ({"nouns": [{"noun": "aliases", "fields": {"name": "a"}}]}, "not a mapping"),
        ({"nouns": [{"noun": ["aliases"], "fields": {}}]}, "no record type"),
        ({"nouns": [ALIASES], "records": [{}]}, "no record type"),
        ({"nouns": [ALIASES], "records": [{"noun": "sources", "cells": {}}]}, "no cells"),
        ({"nouns": [ALIASES], "countries": ["x"]}, "wrong type"),
        ({"nouns": [{**ALIASES, "when": {"is": ["x"]}}]}, "condition"),
        (field(column="a", nothing="x"), "wrong type"),
        (field(column="a", values=["x"]), "wrong type"),
        (field(column="a", cut=-1), "wrong type"),
        (field(text="{a}", **{"with": []}), "wrong type"),
        (field(column="a", by_if={"column": "b"}), "condition"),
        (field(column="a", when={"is": ["b"]}), "condition"),
        (field(column="a", when="b"), "wrong type"),
        (field(column="a", gather={"per": "b"}), "gather"),
        (field(column="a", when=["b"]), "wrong type"),
        (field(column="a", when=[{"is": ["b"]}]), "condition"),
        (field(column="a", when={"column": "b", "starts": "c"}), "wrong type"),
        (field(column="a", unless={"column": "b", "longest": 0}), "wrong type"),
        (field(column="a", unless={"column": "b", "like": "c"}), "like"),
        (field(column="a", by_if={"column": "b", "is": [], "starts": ["c"]}), "starts"),
        ({"nouns": [{**ALIASES, "when": {"column": "b", "has": ["c"]}}]}, "has"),
        (field(column="a", precision="day"), "month"),
        (field(column="a", before="b"), "wrong type"),
        (field(column="a", part={"by": "", "number": 1}), "part"),
        (field(column="a", part={"by": "/", "number": 0}), "part"),
        (field(column="a", part={"by": "/", "at": 1}), "at"),
        (field(column="a", sentence="b"), "wrong type"),
        (field(column="a", sentence=["b"] * 1001), "1000"),
        (field(column="a", longest="b"), "wrong type"),
        (field(**{"column": "a", "else": [{}]}), "one of"),
        ({"nouns": [{**ALIASES, "replaces": {"name": {"column": "a"}}}]}, "wrong type"),
        ({"nouns": [{**ALIASES, "replaces": [{"name": {"x": "a"}}]}]}, "x"),
        ({"nouns": [{**ALIASES, "replaces": [{"language": {"column": "a"}}]}]}, "language"),
        ({"nouns": [{**ALIASES, "replaces": [{"name": {"column": "a"}}] * 21}]}, "20"),
        (
            {
                "nouns": [
                    {
                        "noun": "aliases",
                        "fields": {"country": {"column": "a"}},
                        "replaces": [{"country": {"column": "b"}}],
                    }
                ]
            },
            "country",
        ),
        (field(date=[]), "year"),
        (field(date=["a", "b", "c", "d"]), "year"),
        (field(**nested(50)), "deeply"),
        ({"nouns": [{"noun": "events", "fields": {"date": {"column": "d", "order": "x"}}}]}, "dmy"),
    ],
)
def test_invalid_mapping_is_refused_with_a_reason(data, said):
    with pytest.raises(InvalidMapping, match=said):
        FileMapping(data)


def test_column_missing_in_the_file_is_named(tmp_path):
    file = write(tmp_path / "a.csv", [{"land": "RUS"}])
    data = {"nouns": [{"noun": "aliases", "fields": {"name": {"column": "nom"}}}]}
    with pytest.raises(InvalidMapping, match="nom"):
        run(data, file)


@pytest.mark.parametrize("name", sorted(built_in_mappings()))
def test_built_in_mapping_is_valid(name):
    assert FileMapping(built_in_mappings()[name]).columns


def test_command_takes_a_saved_mapping_or_a_json_file(tmp_path):
    data = {
        "name": "Names",
        "nouns": [
            {
                "noun": "aliases",
                "fields": {
                    "country": {"column": "land", "country": "name"},
                    "name": {"column": "wort"},
                },
            }
        ],
    }
    file = write(tmp_path / "a.csv", [{"land": "Rusia", "wort": "Rusija"}])
    Mapping.objects.create(name="Names", mapping=data)
    assert "1 new" in command("import_file", "Names", str(file))
    assert not Alias.objects.filter(name="Rusija").exists()
    own = tmp_path / "own.json"
    own.write_text(json.dumps(data))
    command("import_file", str(own), str(file), "--commit")
    assert Alias.objects.get(name="Rusija").country.alpha3 == "RUS"
    with pytest.raises(CommandError, match="un-votes"):
        command("import_file", "no-such", str(file))


class TestSuggestions:
    def test_exported_file_gets_the_identity_mapping(self, tmp_path):
        file = tmp_path / "a.csv"
        file.write_text(command("export_csv", "aliases"))
        suggested = suggest_mapping("aliases", open_table(file))
        assert {n: s["column"] for n, s in suggested["nouns"][0]["fields"].items()} == {
            "country": "country",
            "alliance": "alliance",
            "name": "name",
            "language": "language",
        }

    def test_indonesian_column_names_are_recognised(self, tmp_path):
        rows = [{"Negara": "Rusia", "Aliansi": "x", "Bergabung": "Mei 2024", "Peran": "anggota"}]
        table = open_table(write(tmp_path / "m.csv", rows))
        fields = suggest_mapping("memberships", table)["nouns"][0]["fields"]
        assert fields["country"]["column"] == "Negara"
        assert fields["alliance"]["column"] == "Aliansi"
        assert fields["joined"]["column"] == "Bergabung"
        assert fields["role"] == {"column": "Peran", "values": {"anggota": "member"}}

    def test_status_is_never_suggested(self, tmp_path):
        table = open_table(write(tmp_path / "e.csv", [{"Title": "x", "Status": "published"}]))
        assert "status" not in suggest_mapping("events", table)["nouns"][0]["fields"]

    def test_known_file_gets_the_built_in_mapping(self, shared):
        table = open_table(shared / "data/cow/alliance_v4.1_by_member.csv")
        assert suggest_mapping("alliances", table) == built_in_mappings()["cow-alliances-by-member"]


class TestRealFiles:
    @pytest.mark.slow
    def test_memberships_of_organisations(self, shared):
        """Map as in the admin: a row is an organisation and a membership in it."""
        org = {"text": "igo:{org_id}"}
        data = {
            "nouns": [
                {
                    "noun": "alliances",
                    "fields": {
                        "identifier": org,
                        "kind": {"constant": "organisation"},
                        "title_en": {"column": "org_name"},
                    },
                },
                {
                    "noun": "memberships",
                    "fields": {
                        "alliance": org,
                        "country": {"column": "ISO_3166_3", "country": "alpha3"},
                    },
                    "when": {"column": "org_member", "is": ["member"]},
                },
            ]
        }
        with pytest.raises(ImportRejected) as refused:
            run(data, shared / "data/igo/CountrycodesOrgs.csv")
        unknown = {e.value for r in refused.value.reports for e in r.errors}
        run(
            {**data, "countries": dict.fromkeys(unknown, "")},
            shared / "data/igo/CountrycodesOrgs.csv",
        )
        assert Alliance.objects.filter(identifier__startswith="igo:").count() == 186
        nato = Membership.objects.filter(alliance__identifier="igo:NATO")
        assert nato.filter(country__alpha3="TUR").exists()
        assert not nato.filter(country__alpha3="MNE").exists()
        assert not Alliance.objects.get(identifier="igo:ICC").is_published

    def test_countries_with_their_regions(self, shared):
        table = open_table(shared / "data/countries/all.csv")
        data = suggest_mapping("countries", table)
        data["nouns"][0]["only_new"] = ["name_en"]
        (report,) = run(data, shared / "data/countries/all.csv").values()
        assert (report.rows, report.created, report.refused) == (249, 0, 0)

    @pytest.mark.slow
    def test_votes(self, shared, tmp_path):
        """Import the first 20,000 votes; `make bench` imports all of them."""
        import gzip
        from itertools import islice

        with gzip.open(shared / "data/un-votes/un_votes.csv.gz", "rt", encoding="utf-8") as file:
            lines = list(islice(file, 20_001))
        votes = tmp_path / "votes.csv"
        votes.write_text("".join(lines), encoding="utf-8")
        rolls = shared / "data/un-votes/un_roll_calls.csv"
        said = command("import_un_votes", str(rolls), str(votes), "--commit")
        assert "20000 new" in said
        assert Event.objects.published().filter(identifier__startswith="unvotes:").count() == 6203
        again = command("import_un_votes", str(rolls), str(votes), "--commit")
        assert "20000 unchanged" in again
        assert Participation.objects.published().filter(
            country__name_en="Côte d’Ivoire"
        ).exists() == any("Ivoire" in line for line in lines)
        assert Country.objects.filter(name_en="North Yemen").exists()
