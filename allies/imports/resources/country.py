"""Countries, and the periods in which they existed, as rows."""

from typing import Any

from django.utils.text import slugify
from import_export.fields import Field

from allies.imports.resources.base import RecordResource, choice, country, date, text, word
from allies.imports.widgets import IntegerWidget, NumericCodeWidget
from allies.models import Country, Spell
from allies.models.m49 import REGIONS, SUBREGIONS


class CountryResource(RecordResource):
    noun = "countries"
    identities = (("alpha3",), ("cow_code",), ("slug",))
    self_reference = "successor"
    is_reference_target = True
    similarity_keys = (("name_en",), ("name_ind",))
    export_order = ("slug",)

    alpha3 = word("alpha3")
    alpha2 = word("alpha2")
    m49 = Field(attribute="m49", column_name="m49", widget=NumericCodeWidget())
    cow_code = Field(attribute="cow_code", column_name="cow_code", widget=IntegerWidget())
    name_en = text("name_en")
    name_ind = text("name_ind")
    slug = word("slug")
    region = choice("region", REGIONS)
    subregion = choice("subregion", SUBREGIONS)
    existed_from = date("existed_from")
    existed_to = date("existed_to")
    successor = country("successor")
    wikidata = word("wikidata")

    class Meta:
        model = Country
        fields = (
            "alpha3",
            "alpha2",
            "m49",
            "cow_code",
            "name_en",
            "name_ind",
            "slug",
            "region",
            "subregion",
            "existed_from",
            "existed_to",
            "successor",
            "wikidata",
        )

    def fill_defaults(self, record: Any) -> None:
        # A name without Latin letters has an empty slug; then use the country's code.
        name = slugify(record.name_en or record.name_ind)
        record.slug = record.slug or name or slugify(record.code)


class SpellResource(RecordResource):
    noun = "spells"
    identities = (("country", "began"),)
    blank_identity = ("began",)
    period = ("began", "ended")
    export_order = ("country__slug", "began")

    country = country()
    began = date("began")
    ended = date("ended")

    class Meta:
        model = Spell
        fields = ("country", "began", "ended")
