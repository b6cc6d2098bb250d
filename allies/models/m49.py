"""Regions of the world: UN M49, the standard country or area codes for statistical use.

Source: United Nations Statistics Division, M49, regions and sub-regions as of 2024.
"""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REGIONS: dict[str, Promise] = {
    "002": _("Africa"),
    "019": _("Americas"),
    "142": _("Asia"),
    "150": _("Europe"),
    "009": _("Oceania"),
}

#: Code of a sub-region → (code of its region, its name).
SUBREGIONS: dict[str, tuple[str, Promise]] = {
    "015": ("002", _("Northern Africa")),
    "202": ("002", _("Sub-Saharan Africa")),
    "419": ("019", _("Latin America and the Caribbean")),
    "021": ("019", _("Northern America")),
    "143": ("142", _("Central Asia")),
    "030": ("142", _("Eastern Asia")),
    "035": ("142", _("South-eastern Asia")),
    "034": ("142", _("Southern Asia")),
    "145": ("142", _("Western Asia")),
    "151": ("150", _("Eastern Europe")),
    "154": ("150", _("Northern Europe")),
    "039": ("150", _("Southern Europe")),
    "155": ("150", _("Western Europe")),
    "053": ("009", _("Australia and New Zealand")),
    "054": ("009", _("Melanesia")),
    "057": ("009", _("Micronesia")),
    "061": ("009", _("Polynesia")),
}

SUBREGION_CHOICES = [(code, name) for code, (_region, name) in SUBREGIONS.items()]

NAMES: dict[str, Promise] = {**REGIONS, **dict(SUBREGION_CHOICES)}


def region_choices() -> list[tuple[Promise, list[tuple[str, Promise]]]]:
    """Return regions with their sub-regions, as grouped choices of a field."""
    return [
        (
            region_name,
            [
                (region, region_name),
                *((code, name) for code, (parent, name) in SUBREGIONS.items() if parent == region),
            ],
        )
        for region, region_name in REGIONS.items()
    ]
