"""The process that reads an uploaded file: `python -m allies.imports.tables.reader_process`.

It gets a request as JSON on standard input and answers with one line of JSON per part. It has no
database connection and no secrets, cannot write files, and its memory and time are limited by
``set_limits``.
"""

import json
import resource
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

#: Maximum rows, and characters in them, per line of the answer.
ROWS, CHARACTERS = 500, 1 << 20


def main() -> None:
    """Read the request and send the answer."""
    request = json.load(sys.stdin)
    settings.configure(
        USE_I18N=True,
        LOCALE_PATHS=[Path(__file__).parents[2] / "locale"],
        LANGUAGES=request["languages"],
        **request["settings"],
    )
    apps.populate(())  # no apps: the messages come from LOCALE_PATHS
    translation.activate(request["language"])
    from allies.imports.tables.encoding_and_delimiter import UnreadableFile

    set_limits(request["memory"], request["seconds"])
    try:
        _answer(request)
    except UnreadableFile as error:
        _send({"refused": str(error)})
    except MemoryError:
        _send({"refused": _memory_error_message(request["memory"])})
    except Exception:
        _send({"failed": traceback.format_exc()})


def set_limits(memory: int, seconds: int) -> None:
    """Limit this process for good: bytes of address space, seconds of CPU time, no file writes."""
    for kind, limit in (
        (resource.RLIMIT_AS, (memory, memory)),
        (resource.RLIMIT_CPU, (seconds, seconds + 1)),
        (resource.RLIMIT_FSIZE, (0, 0)),
        (resource.RLIMIT_CORE, (0, 0)),
    ):
        with suppress(ValueError, OSError):  # some systems lack some of these limits
            resource.setrlimit(kind, limit)


def _answer(request: dict[str, Any]) -> None:
    from allies.imports.tables.encoding_and_delimiter import FileFormat
    from allies.imports.tables.sample import take_sample
    from allies.imports.tables.table import Table

    path = Path(request["path"])
    layout = FileFormat.from_json(request["layout"]) if request["layout"] else None
    if request["ask"] == "sample":
        _send({"sample": take_sample(path, layout, request["known"]).as_json()})
        return
    assert layout is not None
    rows, size = [], 0
    for row in Table(path, layout).rows():
        rows.append(row)
        size += sum(map(len, row.cells))
        if len(rows) == ROWS or size > CHARACTERS:
            _send({"rows": rows})
            rows, size = [], 0
    _send({"rows": rows})
    _send({"done": True})


def _send(part: Mapping[str, object]) -> None:
    sys.stdout.write(f"{json.dumps(part)}\n")
    sys.stdout.flush()


def _memory_error_message(limit: int) -> str:
    return _(
        "Reading this file needs more than %(limit)d MB of memory. Split the file, or "
        "save the sheet with the table as CSV."
    ) % {"limit": limit >> 20}


if __name__ == "__main__":
    main()
