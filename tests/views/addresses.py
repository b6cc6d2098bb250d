"""Every public address, found by walking the URL configuration."""

from django.urls import get_resolver, reverse

from allies.models import Alliance, AllyList, Country, Event, Source

#: View name's noun → the records its address is about, and the key in it.
_ABOUT = {
    "allylist": (AllyList, "slug"),
    "country": (Country, "slug"),
    "alliance": (Alliance, "slug"),
    "event": (Event, "slug"),
    "source": (Source, "key"),
}


def names():
    """Return the names of all public views."""
    namespaces = get_resolver().namespace_dict
    return sorted(name for name in namespaces["allies"][1].reverse_dict if isinstance(name, str))


def of(name, records=None):
    """Return the addresses of a view: one, or one a record where it is about records."""
    noun = name.split("-")[0]
    if name == "front" or name.removesuffix("-csv").removesuffix("-json").endswith("-list"):
        return [reverse(f"allies:{name}")]
    model, key = _ABOUT[noun]
    records = model.objects.published() if records is None else records
    return [
        reverse(f"allies:{name}", kwargs={key: getattr(record, key)})
        for record in records
        if isinstance(record, model)
    ]


def body(response):
    """Return a response's text, streamed or not."""
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return content.decode()
