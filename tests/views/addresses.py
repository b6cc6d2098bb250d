"""Every public address, found by walking the URL configuration."""

import contextlib
import io
import zipfile

from django.urls import NoReverseMatch, get_resolver, reverse
from PIL import Image

from allies.models import Alliance, AllyList, Country, Edition, Event, Pair, Source

#: View name's noun → the records its address is about, and the key in it.
_ABOUT = {
    "allylist": (AllyList, "slug"),
    "country": (Country, "slug"),
    "alliance": (Alliance, "slug"),
    "event": (Event, "slug"),
    "source": (Source, "key"),
    "edition": (Edition, "key"),
}

#: Views that show a draft to whoever was given a link; tests/admin/test_drafts.py is about them.
_BY_LINK_ONLY = {"preview"}


def names():
    """Return the names of all public views."""
    namespaces = get_resolver().namespace_dict
    found = {name for name in namespaces["allies"][1].reverse_dict if isinstance(name, str)}
    return sorted(found - _BY_LINK_ONLY)


def of(name, records=None):
    """Return the addresses of a view: one, or one a record where it is about records."""
    with contextlib.suppress(NoReverseMatch):
        return [reverse(f"allies:{name}")]
    noun = name.split("-")[0]
    if noun == "pair":
        pairs = pairs_of(records)
        return [
            reverse(f"allies:{name}", args=[pair.first.slug, pair.second.slug]) for pair in pairs
        ]
    model, key = _ABOUT[noun]
    records = model.objects.published() if records is None else records
    return [
        reverse(f"allies:{name}", kwargs={key: getattr(record, key)})
        for record in records
        if isinstance(record, model)
    ]


def pairs_of(records=None):
    """Return pairs of countries that have something to show, where these records are among them."""
    chosen = [("RUS", "CHN"), ("RUS", "PRK"), ("RUS", "IND"), ("DEU", "FRA")]
    countries = {country.alpha3: country for country in Country.objects.exclude(alpha3="")}
    pairs = [Pair.of(countries[one], countries[other]) for one, other in chosen]
    among = None if records is None else set(records)
    return [pair for pair in pairs if among is None or among & set(pair.both)]


def content(response):
    """Return a response's bytes, streamed or not."""
    return b"".join(response.streaming_content) if response.streaming else response.content


def body(response):
    """Return a response's text, streamed or not.

    Of an archive it is the texts of all its files, of a picture what it says it shows.
    """
    found = content(response)
    if found.startswith(b"\x89PNG"):
        return Image.open(io.BytesIO(found)).text["Description"]
    if not found.startswith(b"PK"):
        return found.decode()
    with zipfile.ZipFile(io.BytesIO(found)) as archive:
        return "\n".join(archive.read(name).decode() for name in archive.namelist())
