"""The countries every site starts with, and finding them by any name."""

import pytest
from django.utils.translation import override

from allies.imports.references import CountryIndex
from allies.models import Country
from tests import factories

pytestmark = pytest.mark.usefixtures("demo_data")


def test_all_iso_countries_are_there_in_both_languages():
    iso = Country.objects.exclude(alpha3="")
    assert iso.count() == 249
    assert not iso.filter(name_en="").exists()
    assert not iso.filter(name_ind="").exists()
    assert list(iso.filter(region="").values_list("alpha3", flat=True)) == ["ATA"]


def test_historic_states_have_the_dates_they_existed():
    historic = Country.objects.historic()
    assert historic.count() == 22
    assert not historic.filter(existed_from="").exists()
    assert Country.objects.get(cow_code=300).existed_to == "1918-11-12"


@pytest.mark.parametrize(
    ("text", "alpha3"),
    [
        ("Tiongkok", "CHN"),
        ("korut", "PRK"),
        ("DPRK", "PRK"),
        ("D.P.R.K.", "PRK"),
        ("burma", "MMR"),
        ("Türkiye", "TUR"),
        ("TURKIYE", "TUR"),
        ("Bielorusia", "BLR"),
        ("cote d'ivoire", "CIV"),
        ("Côte d’Ivoire", "CIV"),
        ("sao tome", "STP"),
        ("Uni Soviet", "RUS"),
        ("Prussia", "DEU"),
        ("ru", "RUS"),
        ("365", "RUS"),
    ],
)
def test_a_country_is_found_without_regard_to_case_accents_and_punctuation(text, alpha3):
    index = CountryIndex()
    called = list(Country.objects.exact_name(text).values_list("alpha3", flat=True))
    assert called == [alpha3]
    assert index.find(text).alpha3 == alpha3
    assert alpha3 in Country.objects.name_contains(text).values_list("alpha3", flat=True)


def test_names_stand_in_alphabetical_order_and_in_sentences():
    with override("en"):
        names = [country.name for country in Country.objects.order_by_name()]
        assert names[1] == "Åland Islands"
        assert names.index("Côte d’Ivoire") < names.index("Croatia")
        assert factories.country("USA").name_in_text == "the United States"
        assert factories.country("RUS").name_in_text == "Russia"
    with override("id"):
        assert factories.country("USA").name_in_text == "Amerika Serikat"
        assert Country.objects.order_by_name().first().name == "Afganistan"


def test_no_name_means_two_countries():
    index = CountryIndex()
    doubled = {name: found for name, found in index._names.items() if len(found) > 1}
    assert doubled == {}


def test_every_state_cow_counts_is_found_by_its_code(shared):
    import csv

    with (shared / "data/cow/states2016.csv").open() as file:
        codes = {int(row["ccode"]) for row in csv.DictReader(file)}
    assert codes == set(Country.objects.exclude(cow_code=None).values_list("cow_code", flat=True))
