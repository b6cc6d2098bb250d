"""The environment, and how variables that are no plain text or number are read.

A value that makes no sense raises EnvError, which names its variable and says what is needed.
"""

import re
import zlib
from collections.abc import Callable
from zoneinfo import ZoneInfo

import dj_database_url
from environs import Env, ValidationError

env = Env()

_ENGINES = ("django.db.backends.sqlite3", "django.db.backends.postgresql")

#: Beginnings of values that are no secrets, for they are written down in public.
_PUBLISHED = ("django-insecure-", "changeme", "change-me", "change_me", "of-the-build-alone")

#: Nouns whose evidence grows stale.
_GROW_STALE = ("alliance", "event", "entry")


@env.parser_for("server")
def _server(url: str) -> dict[str, object]:
    """Return what Django wants to know of a database server."""
    try:
        server = dict(dj_database_url.parse(url.strip()))
    except ValueError:
        server = {}
    if server.get("ENGINE") not in _ENGINES:
        raise ValidationError(
            "It must be a URL like postgres://user:password@host/name or sqlite:////a/file."
        )
    return server


@env.parser_for("servers")
def _servers(urls: str) -> list[dict[str, object]]:
    return [_server(url) for url in urls.split(",") if url.strip()]


@env.parser_for("days_by_noun")
def _days_by_noun(text: str) -> dict[str, int]:
    days = {}
    for pair in filter(None, map(str.strip, text.split(","))):
        noun, _is, number = map(str.strip, pair.partition("="))
        if noun not in _GROW_STALE or not number.isdecimal():
            nouns = ", ".join(_GROW_STALE)
            raise ValidationError(
                f"{pair!r} is not valid. Write a number of days like event=30, for {nouns}."
            )
        days[noun] = int(number)
    return days


def are_hosts(names: list[str]) -> None:
    """Refuse what are no names of the site itself.

    With "*", whoever asks would decide which site the addresses in pages and feeds lead to.
    """
    if not names or not all(re.fullmatch(r"\.?[\w.-]+|\[[0-9a-f:]+\]", name) for name in names):
        raise ValidationError("Give the host names of the site, like allies.example.")


def is_zone(name: str) -> None:
    """Refuse what is no time zone of the IANA database."""
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:
        raise ValidationError("Give a time zone like Asia/Jakarta.") from error


def is_secret(length: int) -> Callable[[str], None]:
    """Return a validator that refuses what can be guessed: short, repeated, or published.

    Random characters cannot be compressed; one letter fifty times shrinks to a few bytes.
    """

    def validate(value: str) -> None:
        if not value:
            return  # none was given
        is_published = value.lower().startswith(_PUBLISHED)
        shrunk = len(zlib.compress(value.encode(), 9))
        if is_published or len(value) < length or shrunk < length * 0.75 + 6 or len({*value}) < 6:
            raise ValidationError(
                f"It needs at least {length} random characters, like the output of: "
                "python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"
            )

    return validate
