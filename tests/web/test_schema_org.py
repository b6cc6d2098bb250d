"""JSON-LD of pages: dates no more precise than known, and text that cannot end a script."""

import json

import pytest
from django.utils.translation import override

from allies.models import AllianceKind, SourceKind
from allies.views.alliance import AllianceDetailView
from allies.views.event import EventDetailView
from allies.web.schema_org import DatasetRows, describe_subject, iso_date, to_json_script
from tests import factories


def at(address):
    return f"https://allies.example{address}"


@pytest.mark.parametrize(
    ("known", "certain"),
    [
        ("", ""),
        ("2024", "2024"),
        ("2024-05", "2024-05"),
        ("2024-06-19", "2024-06-19"),
        ("2024-03/2024-06", "2024"),
        ("2024-05-01/2024-05-20", "2024-05"),
        ("2023-12/2024-02", ""),
        ("2022-02-24/..", "2022-02-24"),
        ("../2022-02-24", ""),
        ("1990~", ""),
        ("1990?", ""),
        ("198X", ""),
        ("20XX", ""),
        ("19XX/..", ""),
        ("1990~/..", ""),
        ("1990/1990~", ""),
    ],
)
def test_iso_date_has_only_certain_parts(known, certain):
    assert iso_date(known) == certain


@pytest.mark.parametrize(
    "title",
    ["</script><script>alert(1)</script>", "<!-- <script>", "a\u2028b\u2029c", "&amp;\"'\\", "]]>"],
)
def test_hostile_text_cannot_end_the_script(title):
    written = to_json_script({"name": title})
    assert json.loads(written) == {"name": title}
    assert not set(written) & set("<>&\u2028\u2029")


@pytest.mark.django_db
@pytest.mark.usefixtures("demo_data")
class TestRecords:
    def test_country_has_its_names_and_codes(self):
        with override("id"):
            data = describe_subject(factories.country("RUS"), at)
        assert data["name"] == "Rusia"
        assert {"@language": "en", "@value": "Russia"} in data["alternateName"]
        codes = {code["propertyID"]: code["value"] for code in data["identifier"]}
        assert codes["ISO 3166-1 alpha-3"] == "RUS"
        assert codes["COW"] == "365"
        assert data["url"] == "https://allies.example/id/countries/russia/"

    def test_alliance_has_all_its_names_and_the_same_thing_elsewhere(self):
        pact = factories.alliance("RUS", "CHN", wikidata="Q90210")
        factories.alias(pact, "OTAN", "fr")
        factories.alias(pact, "NATO")
        with override("en"):
            data = describe_subject(AllianceDetailView().get_queryset().get(pk=pact.pk), at)
        names = [{"@language": "id", "@value": pact.title_ind}, "NATO"]
        assert data["alternateName"] == [*names, {"@language": "fr", "@value": "OTAN"}]
        assert data["sameAs"] == "https://www.wikidata.org/wiki/Q90210"

    def test_event_has_each_country_once_and_no_uncertain_date(self):
        made = factories.event(
            ("RUS", "supplier"), ("RUS", "host"), ("CHN", "visitor"), date="2023-12/2024-02"
        )
        data = describe_subject(EventDetailView().get_queryset().get(pk=made.pk), at)
        assert sorted(country["name"] for country in data["about"]) == ["China", "Russia"]
        assert "startDate" not in data

    def test_treaty_is_legislation_and_organisation_is_organization(self):
        pact = factories.alliance("RUS", "CHN", signed="2001-07-16", in_force="2002-02")
        body = factories.alliance("RUS", "CHN", kind=AllianceKind.ORGANISATION, signed="2001-06-15")
        ended = factories.alliance("RUS", "CHN", signed="1950", ended="198X")
        pages = AllianceDetailView().get_queryset()
        data = describe_subject(pages.get(pk=pact.pk), at)
        assert (data["@type"], data["legislationDate"]) == ("Legislation", "2001-07-16")
        assert data["temporalCoverage"] == "2002-02/.."
        data = describe_subject(pages.get(pk=body.pk), at)
        assert (data["@type"], data["foundingDate"]) == ("Organization", "2001-06-15")
        assert "temporalCoverage" not in describe_subject(pages.get(pk=ended.pk), at)

    def test_source_has_its_type_and_hides_drafts(self):
        hidden = factories.source(status="draft", title="Zanzabarra")
        book = factories.source(
            kind=SourceKind.BOOK, derived_from=hidden, archive_url="https://a.example/x"
        )
        data = describe_subject(book, at)
        assert (data["@type"], data["archivedAt"]) == ("Book", "https://a.example/x")
        assert "Zanzabarra" not in json.dumps(data)
        assert describe_subject(factories.source(), at)["@type"] == "NewsArticle"


def test_rows_without_dates_have_no_coverage():
    assert describe_subject(DatasetRows("Countries"), at) == {
        "@type": "Dataset",
        "name": "Countries",
    }
