"""Every public address, found by walking the URL configuration."""

import io
import zipfile

from django.urls import get_resolver, reverse

from allies.models import Alliance, AllyList, Country, Event, Source
from allies.views.listing import FORMS

#: View name's noun → the records its address is about, and the key in it.
_ABOUT = {
    "allylist": (AllyList, "slug"),
    "country": (Country, "slug"),
    "alliance": (Alliance, "slug"),
    "event": (Event, "slug"),
    "source": (Source, "key"),
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
    noun = name.split("-")[0]
    view, _dash, form = name.rpartition("-")
    alone = ("-list", "-feed")
    if name == "front" or (view if form in FORMS else name).endswith(alone):
        return [reverse(f"allies:{name}")]
    model, key = _ABOUT[noun]
    records = model.objects.published() if records is None else records
    return [
        reverse(f"allies:{name}", kwargs={key: getattr(record, key)})
        for record in records
        if isinstance(record, model)
    ]


def content(response):
    """Return a response's bytes, streamed or not."""
    return b"".join(response.streaming_content) if response.streaming else response.content


def body(response):
    """Return a response's text, streamed or not; of an archive, the texts of all its files."""
    found = content(response)
    if not found.startswith(b"PK"):
        return found.decode()
    with zipfile.ZipFile(io.BytesIO(found)) as archive:
        return "\n".join(archive.read(name).decode() for name in archive.namelist())
