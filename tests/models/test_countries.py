"""The countries of the starter content, and look-up by any of their names."""

import pytest
from django.utils.translation import override

from allies.imports.references import CountryIndex
from allies.models import Country
from tests import factories

pytestmark = pytest.mark.usefixtures("demo_data")


def test_starter_data_has_all_iso_countries_in_both_languages():
    iso = Country.objects.exclude(alpha3="")
    assert iso.count() == 249
    assert not iso.filter(name_en="").exists()
    assert not iso.filter(name_ind="").exists()
    assert list(iso.filter(region="").values_list("alpha3", flat=True)) == ["ATA"]


def test_historic_states_have_dates():
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
def test_country_lookup_ignores_case_accents_and_punctuation(text, alpha3):
    index = CountryIndex()
    called = list(Country.objects.exact_name(text).values_list("alpha3", flat=True))
    assert called == [alpha3]
    assert index.find(text).alpha3 == alpha3
    assert alpha3 in Country.objects.name_contains(text).values_list("alpha3", flat=True)


def test_country_names_are_sorted_and_get_articles():
    with override("en"):
        names = [country.name for country in Country.objects.order_by_name()]
        assert names[1] == "Åland Islands"
        assert names.index("Côte d’Ivoire") < names.index("Croatia")
        assert factories.country("USA").name_in_text == "the United States"
        assert factories.country("RUS").name_in_text == "Russia"
    with override("id"):
        assert factories.country("USA").name_in_text == "Amerika Serikat"
        assert Country.objects.order_by_name().first().name == "Afganistan"


@pytest.mark.postgresql
@pytest.mark.parametrize("language", ["en", "id"])
def test_countries_are_sorted_like_a_dictionary_in_every_language(language):
    names = ["Åxen", "Azen", "Cook", "Cook-Inseln", "Cook zwei", "Côte d’Ivor", "Croax", "Curaça"]
    names += ["Đarland", "Dzar", "Łodz", "Lviv", "Øst", "Ozt", "Þule", "Tzar"]
    for name in reversed(names):
        given = {"name_ind": name, "name_en": "Zz"} if language == "id" else {"name_en": name}
        Country.objects.create(slug=f"x{names.index(name)}", **given)
    with override(language):
        made = Country.objects.filter(slug__startswith="x")
        assert [country.name for country in made.order_by_name()] == names
        assert [c.name for c in sorted(made, key=lambda c: c.sort_key)] == names


def test_renamed_country_is_sorted_by_its_new_name():
    country = factories.country("CIV")
    country.name_en = "Ivory Coast"
    country.save(update_fields=["name_en"])
    country.refresh_from_db()
    assert (country.sort_en, country.sort_ind) == ("ivory coast", "cote divoire")


def test_country_names_are_unambiguous():
    index = CountryIndex()
    doubled = {name: found for name, found in index._names.items() if len(found) > 1}
    assert doubled == {}


def test_starter_data_has_all_cow_codes(shared):
    import csv

    with (shared / "data/cow/states2016.csv").open() as file:
        codes = {int(row["ccode"]) for row in csv.DictReader(file)}
    assert codes == set(Country.objects.exclude(cow_code=None).values_list("cow_code", flat=True))
