"""Compare an edition, or a file with its JSON, with the SHA-256 that was recorded."""

import json
from argparse import ArgumentParser
from hashlib import sha256
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from allies.models import Edition


class Command(BaseCommand):
    help = "Check that an edition in the database, or a file with its JSON, is unchanged."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", metavar="FILE|KEY", help="a file or the key of an edition")

    def handle(self, *args: object, what: str, **options: object) -> None:
        file = Path(what)
        if file.is_file():
            data = file.read_bytes()
            key = _key_in(data)
        else:
            key = what
            data = None
        edition = Edition.objects.filter(key=key).first()
        if edition is None:
            raise CommandError(f"There is no file or edition {key}.")
        found = sha256(edition.content.encode() if data is None else data).hexdigest()
        if found != edition.sha256:
            raise CommandError(
                f"{what} has the SHA-256 {found}; edition {key} should have {edition.sha256}."
            )
        self.stdout.write(f"{what} is edition {key}, unchanged: SHA-256 {found}.")


def _key_in(data: bytes) -> str:
    """Return the edition key in a JSON file; raise CommandError if it has none."""
    try:
        return str(json.loads(data)["edition"]["key"])
    except (ValueError, KeyError, TypeError) as error:
        raise CommandError("This file is not the JSON of an edition.") from error
