"""URLs of all public pages, found by walking the URL configuration."""

import contextlib
import functools
import io
import zipfile

from django.test import Client
from django.urls import NoReverseMatch, get_resolver, reverse
from django.utils.translation import override
from PIL import Image

from allies.models import Alliance, AllyList, Country, Edition, Event, Source
from allies.ties.ties_between import CountryPair

#: First part of a view's name → model of its records, and the field in its URL.
_ABOUT = {
    "allylist": (AllyList, "slug"),
    "country": (Country, "slug"),
    "alliance": (Alliance, "slug"),
    "event": (Event, "slug"),
    "source": (Source, "key"),
    "edition": (Edition, "key"),
}

#: First part of a view's name → the record with the most content.
_TELLING = {
    "country": "russia",
    "allylist": "russia-allies-in-asia",
    "alliance": "north-korea-russia-comprehensive-strategic-partnership",
    "event": "unga-es-11-1",
    "source": "dw-2024-en",
    "pair": "china/russia",
    "edition": "russia-allies-in-asia-1",
}

#: Views that show drafts to anyone with a link; tests/admin/test_preview_links.py tests them.
_BY_LINK_ONLY = {"preview"}


def names():
    """Return the names of all public views."""
    namespaces = get_resolver().namespace_dict
    found = {name for name in namespaces["allies"][1].reverse_dict if isinstance(name, str)}
    return sorted(found - _BY_LINK_ONLY)


def of(name, records=None):
    """Return the URLs of a view: one, or one per record if the view is about records."""
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


def some(name, number=12):
    """Return URLs of a view: of its newest records and of the one with the most content."""
    noun = name.split("-")[0]
    if noun not in _ABOUT:
        return of(name)
    model, key = _ABOUT[noun]
    newest = list(model.objects.published().order_by("-pk")[:number])
    telling = model.objects.filter(**{key: _TELLING[noun]}).exclude(pk__in=[r.pk for r in newest])
    return of(name, [*newest, *telling])


def one(name):
    """Return one URL of a view; if it is about records, of the one with the most content."""
    found = of(name)
    if len(found) == 1:
        return found[0]
    telling = _TELLING[name.split("-")[0]]
    return next(address for address in found if f"/{telling}" in address)


def one_of_each(*languages):
    """Yield one URL of each public view in each language."""
    for language in languages:
        with override(language):
            yield from map(one, names())


@functools.cache
def responses():
    """Return {URL: response} of one page of each public view in both languages, for a visitor.

    For tests that change neither the starter content nor the settings. They share the responses, so
    that each process requests every page once. ``body`` is the text of a response.
    """
    visitor = Client()
    found = {}
    for address in one_of_each("en", "id"):
        response = visitor.get(address)
        response.body = body(response)
        response.context = response.templates = None  # they would keep all records in memory
        found[address] = response
    return found


def pairs_of(records=None):
    """Return pairs of countries with content; with ``records``, only pairs that include one."""
    chosen = [("RUS", "CHN"), ("RUS", "PRK"), ("RUS", "IND"), ("DEU", "FRA")]
    countries = {country.alpha3: country for country in Country.objects.exclude(alpha3="")}
    pairs = [CountryPair.of(countries[one], countries[other]) for one, other in chosen]
    among = None if records is None else set(records)
    return [pair for pair in pairs if among is None or among & set(pair.countries)]


def content(response):
    """Return a response's bytes, streamed or not."""
    return b"".join(response.streaming_content) if response.streaming else response.content


def body(response):
    """Return a response's text, streamed or not.

    For an archive, this is the text of all its files; for an image, its text metadata.
    """
    found = content(response)
    if found.startswith(b"\x89PNG"):
        return Image.open(io.BytesIO(found)).text["Description"]
    if not found.startswith(b"PK"):
        return found.decode()
    with zipfile.ZipFile(io.BytesIO(found)) as archive:
        return "\n".join(archive.read(name).decode() for name in archive.namelist())
