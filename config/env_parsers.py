"""Parsers and validators of environment variables that are not plain text or numbers.

An invalid value raises EnvError, which names its variable and says what is needed.
"""

import re
import zlib
from collections.abc import Callable, MutableMapping
from zoneinfo import ZoneInfo

import dj_database_url
from environs import Env, ValidationError

env = Env()

#: Renamed environment variables: old name → new name. The old names work for one release.
OLD_NAMES = {
    "ALLIES_MADE_PER_MINUTE": "ALLIES_RATE_LIMIT_PER_MINUTE",
    "ALLIES_SIGN_INS_PER_MINUTE": "ALLIES_LOGIN_RATE_LIMIT_PER_MINUTE",
    "ALLIES_SIGN_IN_ATTEMPTS": "ALLIES_LOGIN_FAILURE_LIMIT",
    "ALLIES_SECOND_STEP_REQUIRED": "ALLIES_REQUIRE_2FA",
    "ALLIES_SHARED_CACHE_SECONDS": "ALLIES_CDN_MAX_AGE_SECONDS",
    "ALLIES_IMPORT_MAX_UNPACKED": "ALLIES_IMPORT_MAX_UNCOMPRESSED_BYTES",
    "ALLIES_IMPORT_MAX_CELL": "ALLIES_IMPORT_MAX_CELL_LENGTH",
    "ALLIES_HTTPS": "ALLIES_FORCE_HTTPS",
}

_ENGINES = ("django.db.backends.sqlite3", "django.db.backends.postgresql")

#: Prefixes of values that are not secret, because they are published somewhere.
_KNOWN_SECRET_PREFIXES = (
    "django-insecure-",
    "changeme",
    "change-me",
    "change_me",
    "of-the-build-alone",
)

#: Record types whose evidence can become stale.
_STALE_DAYS_MODELS = ("alliance", "event", "entry")


def apply_old_names(environ: MutableMapping[str, str]) -> list[str]:
    """Set each renamed variable from its old name, unless it is set; return old names in use."""
    found = [old for old in OLD_NAMES if old in environ]
    for old in found:
        environ.setdefault(OLD_NAMES[old], environ[old])
    return found


@env.parser_for("server")
def _parse_server(url: str) -> dict[str, object]:
    """Return a database URL as an entry of Django's DATABASES setting."""
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
def _parse_servers(urls: str) -> list[dict[str, object]]:
    return [_parse_server(url) for url in urls.split(",") if url.strip()]


@env.parser_for("days_by_noun")
def _parse_days_by_model(text: str) -> dict[str, int]:
    days = {}
    for pair in filter(None, map(str.strip, text.split(","))):
        noun, _is, number = map(str.strip, pair.partition("="))
        if noun not in _STALE_DAYS_MODELS or not number.isdecimal():
            nouns = ", ".join(_STALE_DAYS_MODELS)
            raise ValidationError(
                f"{pair!r} is not valid. Write a number of days like event=30, for {nouns}."
            )
        days[noun] = int(number)
    return days


def validate_hosts(names: list[str]) -> None:
    """Raise ValidationError if there are no names, or if one is not valid.

    Valid names are host names, a domain with a leading dot, and IPv6 addresses in brackets.
    With "*", a client could decide by its Host header where the links in pages and feeds lead.
    """
    if not names or not all(re.fullmatch(r"\.?[\w.-]+|\[[0-9a-f:]+\]", name) for name in names):
        raise ValidationError("Give the host names of the site, like allies.example.")


def validate_time_zone(name: str) -> None:
    """Raise ValidationError unless this is a time zone of the IANA database."""
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:
        raise ValidationError("Give a time zone like Asia/Jakarta.") from error


def secret_validator(length: int) -> Callable[[str], None]:
    """Return a validator that refuses short, repetitive or published secrets.

    ``length`` is the minimum number of characters. Random characters hardly compress, but a
    repeated character shrinks to a few bytes.
    """

    def validate(value: str) -> None:
        if not value:
            return  # there is no secret
        is_published = value.lower().startswith(_KNOWN_SECRET_PREFIXES)
        shrunk = len(zlib.compress(value.encode(), 9))
        if is_published or len(value) < length or shrunk < length * 0.75 + 6 or len({*value}) < 6:
            raise ValidationError(
                f"It needs at least {length} random characters, like the output of: "
                "python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"
            )

    return validate
