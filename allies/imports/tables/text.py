"""Read tables from text files: from bytes to lines to cells, in constant memory."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, cast

from django.conf import settings
from django.utils.translation import gettext as _

from allies.file_formats import DecompressedTooLarge, DecompressionCounter
from allies.imports.tables.encoding_and_delimiter import FileFormat, UnreadableFile

#: The end-of-file character that old systems put after the last line.
CTRL_Z = "\x1a"


#: Maximum length of a line, as a multiple of the maximum length of a cell.
MAX_LINE_CELLS = 10


class _LimitedStream(io.RawIOBase):
    """The decompressed bytes of a stream, up to a limit."""

    def __init__(self, source: IO[bytes], packed: int) -> None:
        self._source = source
        self._unpacked = DecompressionCounter(
            packed=packed, most=settings.IMPORT_MAX_UNCOMPRESSED_BYTES
        )

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        block = self._source.read(len(buffer))
        try:
            self._unpacked.add(len(block))
        except DecompressedTooLarge as error:
            raise UnreadableFile(str(error)) from error
        buffer[: len(block)] = block
        return len(block)


@contextmanager
def open_decompressed(path: Path, *, gzipped: bool) -> Iterator[IO[bytes]]:
    """Open a file, decompressed if it is gzipped; raise UnreadableFile if it is damaged."""
    try:
        if not gzipped:
            with path.open("rb") as file:
                yield file
        else:
            with (
                gzip.open(path) as packed,
                io.BufferedReader(
                    _LimitedStream(cast(IO[bytes], packed), path.stat().st_size)
                ) as raw,
            ):
                yield raw
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableFile(_("The gzip file is damaged. Compress it again.")) from error


def read_text(path: Path, layout: FileFormat) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a text file with their numbers from 1, of any width.

    Raises UnreadableFile at the row that cannot be read.
    """
    csv.field_size_limit(settings.IMPORT_MAX_CELL_LENGTH)
    number = 0
    with open_decompressed(path, gzipped=layout.gzipped) as raw:
        text = io.TextIOWrapper(raw, encoding=_decoder(layout.encoding), newline="")
        ended: list[bool] = []
        rows = csv.reader(_lines(text, ended), delimiter=layout.delimiter, strict=False)
        try:
            for number, cells in enumerate(rows, start=1):
                if ended:
                    if cells != [_END_MARKER]:
                        raise UnreadableFile(
                            _("Row %(row)d opens a quotation mark and never closes it.")
                            % {"row": number}
                        )
                    return
                yield number, cells
        except csv.Error as error:
            raise _unreadable(number + 1, error) from error
        except UnicodeError as error:
            raise UnreadableFile(
                _("The text after row %(row)d is not %(encoding)s. Choose another encoding.")
                % {"row": number, "encoding": layout.encoding}
            ) from error
        finally:
            text.detach()


#: Appended as the last line. It becomes a row of its own unless a quotation is still open.
_END_MARKER = "\x1aend of the text\x1a"


def _lines(text: io.TextIOWrapper, ended: list[bool]) -> Iterator[str]:
    """Yield the lines of a text without a Ctrl-Z at its end, and then the end marker.

    ``ended`` is filled when the marker is yielded, because a file's own cell may equal the marker.
    """
    most = MAX_LINE_CELLS * settings.IMPORT_MAX_CELL_LENGTH
    lines = iter(partial(text.readline, most + 1), "")
    for line in lines:
        if len(line) > most:
            raise UnreadableFile(
                _(
                    "A row has more than %(limit)d characters. Save the table with "
                    "one record per line."
                )
                % {"limit": most}
            )
        while CTRL_Z in line and (following := next(lines, "")):
            yield line
            line = following
        if CTRL_Z in line:
            line = line.rstrip("\r\n").rstrip(CTRL_Z)
            if not line:
                break
        yield line
    ended.append(True)
    yield _END_MARKER


def _decoder(encoding: str) -> str:
    """Return the codec to read with, which skips a byte order mark."""
    return "utf-8-sig" if encoding == "utf-8" else encoding


def _unreadable(row: int, error: csv.Error) -> UnreadableFile:
    words = str(error)
    if "field larger" in words:
        return UnreadableFile(
            _(
                "Row %(row)d has a cell with more than %(limit)d characters. "
                "Is a quotation mark missing?"
            )
            % {"row": row, "limit": settings.IMPORT_MAX_CELL_LENGTH}
        )
    if "NUL" in words:
        return UnreadableFile(
            _("Row %(row)d contains a NUL character, so this is not a text file.") % {"row": row}
        )
    return UnreadableFile(
        _("Row %(row)d is not valid CSV: %(error)s.") % {"row": row, "error": error}
    )
