"""Read uploaded files in a separate process with limited memory and time.

A malicious file may exhaust the process that reads it. Then only that process ends.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from allies.imports.rows import Row
from allies.imports.tables.encoding_and_delimiter import FileFormat, UnreadableFile
from allies.imports.tables.sample import Sample
from allies.imports.tables.table import Table

#: Settings and environment variables that the process needs; none of them is a secret.
_SETTINGS = (
    "IMPORT_MAX_BYTES",
    "IMPORT_MAX_UNCOMPRESSED_BYTES",
    "IMPORT_MAX_ROWS",
    "IMPORT_MAX_COLUMNS",
    "IMPORT_MAX_CELL_LENGTH",
)
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME")

#: Seconds between two calls of ``waiting``.
POLL_SECONDS = 0.5


class SandboxedTable(Table):
    """A table with a sample already taken; its rows are read in a separate process."""

    def __init__(self, path: Path, sample: Sample) -> None:
        self.path = path
        self.layout = sample.layout
        self.columns = sample.columns

    def rows(self) -> Iterator[Row[str]]:
        """Yield the rows as ``Table`` does; also raise UnreadableFile at a limit of the process."""
        with _reader_process("rows", self.path, self.layout) as process:
            assert process.stdout is not None
            for line in process.stdout:
                part = json.loads(line)
                if "done" in part:
                    return
                for row in _validated_answer(part)["rows"]:
                    yield Row(*row[:3])  # only a mapping adds earlier cells
            raise _exit_reason(process.wait())


def read_sample(
    path: Path,
    layout: FileFormat | None = None,
    known: Collection[str] = (),
    *,
    waiting: Callable[[], None] = lambda: None,
) -> Sample:
    """Run ``take_sample`` in a separate process and return its result.

    ``waiting`` is called every POLL_SECONDS; an exception it raises ends the process. Raises
    UnreadableFile.
    """
    with _reader_process("sample", path, layout, known) as process:
        while True:
            try:
                answer, _errors = process.communicate(timeout=POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                waiting()
        if not answer:
            raise _exit_reason(process.returncode)
        return Sample.from_json(_validated_answer(json.loads(answer))["sample"])


@contextmanager
def _reader_process(
    ask: str, path: Path, layout: FileFormat | None, known: Collection[str] = ()
) -> Iterator["subprocess.Popen[bytes]"]:
    request = {
        "ask": ask,
        "path": str(path.resolve()),
        "layout": layout and layout.as_json(),
        "known": list(known),
        "settings": {name: getattr(settings, name) for name in _SETTINGS},
        "language": translation.get_language() or settings.LANGUAGE_CODE,
        "languages": [[code, code] for code, _name in settings.LANGUAGES],
        "memory": settings.IMPORT_READER_MAX_BYTES,
        "seconds": settings.IMPORT_READER_SECONDS,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "allies.imports.tables.reader_process"],
        cwd=settings.BASE_DIR,
        env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        # A request fits into the pipe's buffer, so this does not block.
        process.stdin.write(json.dumps(request).encode())
        process.stdin.close()
        process.stdin = None
        yield process
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def _validated_answer(part: dict[str, object]) -> dict[str, Any]:
    """Return a part of the reader process's output.

    Raises UnreadableFile if the file was refused, RuntimeError if the reader failed.
    """
    if refused := part.get("refused"):
        raise UnreadableFile(refused)
    if failed := part.get("failed"):
        raise RuntimeError(failed)
    return part


def _exit_reason(code: int) -> UnreadableFile:
    """Return the error for a process that ended before it had answered."""
    if code == -signal.SIGXCPU:
        said = _(
            "Reading this file takes more than %(limit)d seconds. Split the file, or "
            "save the sheet with the table as CSV."
        )
        return UnreadableFile(said % {"limit": settings.IMPORT_READER_SECONDS})
    said = _(
        "Reading this file needs more than %(limit)d MB of memory. Split the file, or "
        "save the sheet with the table as CSV."
    )
    return UnreadableFile(said % {"limit": settings.IMPORT_READER_MAX_BYTES >> 20})
