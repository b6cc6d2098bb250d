"""Files refer to alliances by slug, data-set ID, Wikidata ID or any unambiguous name."""

import pytest

from allies.actions.permissions import PublishRightMissing
from allies.actions.undo import new_undo_changeset
from allies.imports.own_csv import read_csv
from allies.imports.plan import Plan
from allies.imports.plan_builder import make_plan
from allies.imports.resources import RESOURCES
from allies.imports.runner import ImportRejected, run_import, run_undo
from allies.models import Alias, Changeset, Membership
from tests import factories
from tests.imports.files import load, write

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("demo_data")]


@pytest.fixture
def pact(db):
    """Return an alliance with all kinds of names."""
    made = factories.alliance(
        "USA",
        "CAN",
        title_en="South Pole Treaty",
        title_ind="Pakta Kutub Selatan",
        identifier="x:227",
        wikidata="Q90210",
        slug="south-pole",
    )
    for name in ("SPTO", "OTPS"):
        factories.alias(made, name)
    return made


def membership_file(tmp_path, *alliances):
    codes = ["ISL", "NOR", "DNK", "PRT", "ITA", "GRC", "TUR", "ESP", "POL"]
    rows = [
        {"alliance": name, "country": code} for name, code in zip(alliances, codes, strict=False)
    ]
    return write(tmp_path / "memberships.csv", rows)


def test_alliance_is_found_by_any_key_or_name(pact, tmp_path):
    names = ("south-pole", "x:227", "Q90210", "OTPS", "spto", " South  pole treaty ")
    names += ("pakta KUTUB selatan", "South-Pole")
    report = load("memberships", membership_file(tmp_path, *names))
    assert (report.created, report.refused) == (len(names), 0)
    assert pact.memberships.count() == 2 + len(names)


def test_ambiguous_name_is_refused_with_the_candidates(pact, tmp_path):
    other = factories.alliance("RUS", "IND", title_en="Other", slug="other-pact")
    factories.alias(other, "Spto")
    with pytest.raises(ImportRejected) as refused:
        load("memberships", membership_file(tmp_path, "SPTO"))
    assert "other-pact or south-pole" in str(refused.value.reports[0].errors)
    assert load("memberships", membership_file(tmp_path, "OTPS")).created == 1


def test_key_wins_over_a_name(pact, tmp_path):
    other = factories.alliance("RUS", "IND", slug="otps")
    load("memberships", membership_file(tmp_path, "otps"))
    assert other.memberships.filter(country__alpha3="ISL").exists()


def test_unknown_name_is_refused_with_what_is_accepted(pact, tmp_path):
    with pytest.raises(ImportRejected) as refused:
        load("memberships", membership_file(tmp_path, "Atlantis"))
    assert "a Wikidata ID or a name" in str(refused.value.reports[0].errors)


def test_citation_of_a_membership_names_the_alliance_by_an_alias(pact, tmp_path):
    source = factories.source()
    rows = [{"source": source.key, "membership": "OTPS/USA", "joined": "1949-04-04"}]
    load("citations", write(tmp_path / "citations.csv", rows))
    cited = Membership.objects.get(alliance=pact, country__alpha3="USA")
    assert cited.citations.get().joined == "1949-04-04"


def test_names_of_new_alliances_are_known_to_later_rows(tmp_path):
    def rows(noun, *rows):
        file = write(tmp_path / f"{noun}.csv", list(rows))
        return noun, read_csv(file, RESOURCES[noun]().columns)

    report = run_import(
        [
            rows("alliances", {"slug": "new-pact", "kind": "entente", "title_en": "Pact of Steel"}),
            rows("aliases", {"alliance": "pact of steel", "name": "Stahlpakt"}),
            rows("memberships", {"alliance": "STAHLPAKT", "country": "ITA"}),
        ],
        commit=True,
    )
    assert [one.created for one in report] == [1, 1, 1]
    assert Membership.objects.get(alliance__slug="new-pact").country.alpha3 == "ITA"


def test_new_alliance_with_an_alias_of_another_is_reported_as_likely_the_same(pact, tmp_path):
    rows = [{"slug": "another", "kind": "entente", "title_en": "OTPS"}]
    file = read_csv(write(tmp_path / "alliances.csv", rows), RESOURCES["alliances"]().columns)
    with Plan(keep_rows=True) as plan:
        (report,) = make_plan(plan, [("alliances", file)])
    assert (report.created, report.likely) == (1, 1)


def test_country_is_found_by_its_wikidata_id(tmp_path):
    norway = factories.country("NOR")
    norway.wikidata = "Q20"
    norway.save()
    load("aliases", write(tmp_path / "aliases.csv", [{"country": "Q20", "name": "Noreg"}]))
    assert Alias.objects.get(name="Noreg").country == norway


def test_names_of_public_records_are_changed_by_reviewers_only(
    pact, data_manager, reviewer, tmp_path
):
    country = write(tmp_path / "c.csv", [{"country": "NOR", "name": "Noreg"}])
    alliance = write(tmp_path / "a.csv", [{"alliance": "OTPS", "name": "Atlantpakten"}])
    for file in (country, alliance):
        with pytest.raises(ImportRejected):
            load("aliases", file, user=data_manager)
        load("aliases", file, user=reviewer)
        added = Changeset.objects.latest("pk")
        with pytest.raises(PublishRightMissing):
            run_undo(new_undo_changeset(added, user=data_manager), user=data_manager)
    Alias.objects.filter(name="Atlantpakten").delete()
    pact.status = "draft"
    pact.save()
    assert load("aliases", alliance, user=data_manager).created == 1
