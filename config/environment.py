"""The environment, and how variables that are no plain text or number are read.

A value that makes no sense raises EnvError, which names its variable and says what is needed.
"""

import re
from typing import Any
from zoneinfo import ZoneInfo

import dj_database_url
from environs import Env, ValidationError

env = Env()

_ENGINES = ("django.db.backends.sqlite3", "django.db.backends.postgresql")

#: Nouns whose evidence grows stale.
_GROW_STALE = ("alliance", "event", "entry")


@env.parser_for("server")
def _server(url: str) -> dict[str, Any]:
    """Return what Django wants to know of a database server."""
    try:
        server = dict(dj_database_url.parse(url.strip()))
    except ValueError:
        server = {}
    if server.get("ENGINE") not in _ENGINES:
        raise ValidationError(
            "An address like postgres://user:password@host/name or sqlite:////a/file is needed."
        )
    return server


@env.parser_for("servers")
def _servers(urls: str) -> list[dict[str, Any]]:
    return [_server(url) for url in urls.split(",") if url.strip()]


@env.parser_for("days_by_noun")
def _days_by_noun(text: str) -> dict[str, int]:
    days = {}
    for pair in filter(None, map(str.strip, text.split(","))):
        noun, _is, number = map(str.strip, pair.partition("="))
        if noun not in _GROW_STALE or not number.isdecimal():
            nouns = ", ".join(_GROW_STALE)
            raise ValidationError(f"{pair!r} is no number of days like event=30, for {nouns}.")
        days[noun] = int(number)
    return days


def are_hosts(names: list[str]) -> None:
    """Refuse what are no names of the site itself.

    With "*", whoever asks would decide which site the addresses in pages and feeds lead to.
    """
    if not names or not all(re.fullmatch(r"\.?[\w.-]+|\[[0-9a-f:]+\]", name) for name in names):
        raise ValidationError("Names of the site itself are needed, like allies.example.")


def is_zone(name: str) -> None:
    """Refuse what is no time zone of the IANA database."""
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:
        raise ValidationError("A name like Asia/Jakarta is needed.") from error
