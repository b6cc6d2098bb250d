"""Decompress ZIP archives and streams with limits; stop as soon as a limit is exceeded."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, Self
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from django.utils.translation import gettext as _

#: Maximum bytes of an archive's central directory: about 10,000 members; a workbook has under 100.
MAX_CONTENTS = 1 << 20

#: Above RATIO_FROM decompressed bytes, a file may be at most MAX_RATIO times its compressed size.
#: Tables and workbooks compress to a tenth or a twentieth; deflate reaches at most a thousandth.
RATIO_FROM, MAX_RATIO = 128 << 20, 100

_ENCRYPTED = 0x1


class DecompressedTooLarge(ValueError):
    """A file that decompresses to more than allowed; the text says which limit and what to do."""


class Readable(Protocol):
    """A stream that can be read in blocks."""

    def read(self, size: int, /) -> bytes: ...


class DecompressionCounter:
    """Counts the bytes decompressed from a file of ``packed`` bytes.

    ``most`` is their maximum; None means no limit.
    """

    def __init__(self, *, packed: int, most: int | None) -> None:
        self._packed = max(packed, 1)
        self._most = most
        self._count = 0

    def add(self, number: int) -> None:
        """Add to the count; raise DecompressedTooLarge if it exceeds a limit."""
        self._count += number
        self.check(self._count)

    def check(self, total: int) -> None:
        """Raise DecompressedTooLarge if this total of bytes exceeds a limit."""
        if self._most is None:
            return
        if total > self._most:
            raise DecompressedTooLarge(
                _("The unpacked file is larger than %(limit)s. Split it.")
                % {"limit": _size(self._most)}
            )
        if total > RATIO_FROM and total > MAX_RATIO * self._packed:
            raise DecompressedTooLarge(
                _(
                    "The unpacked file is more than %(times)d times as large. Save it "
                    "again as uncompressed CSV."
                )
                % {"times": MAX_RATIO}
            )


def _size(number: int) -> str:
    if number < 1 << 20:
        return _("%(size)d bytes") % {"size": number}
    return _("%(size)d MB") % {"size": number >> 20}


class Archive:
    """A ZIP archive with a common limit on the bytes decompressed from all its members.

    ``infos`` are its members by name. Raises DecompressedTooLarge, also while members are read, and
    what ``zipfile`` raises for a damaged archive.
    """

    def __init__(self, path: Path, *, most: int | None, contents: int = MAX_CONTENTS) -> None:
        file = _ArchiveFile(path, contents)
        try:
            self._zip = ZipFile(file)
        except BaseException:
            file.close()
            raise
        file.most = None  # members are read in blocks of the requested size
        self._file = file
        self._unpacked = DecompressionCounter(packed=path.stat().st_size, most=most)
        try:
            # Only these two decompress in blocks of the requested size.
            if {info.compress_type for info in self.infolist()} - {ZIP_STORED, ZIP_DEFLATED}:
                raise BadZipFile("A file in the archive uses an unsupported compression.")
            self.infos = {info.filename: info for info in self._zip.infolist()}
            # The declared sizes are checked first; the real ones are counted while reading.
            self._unpacked.check(sum(info.file_size for info in self.infolist()))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def close(self) -> None:
        self._zip.close()
        self._file.close()

    def infolist(self) -> list[ZipInfo]:
        """Return all members, including those that share a name."""
        return self._zip.infolist()

    def is_encrypted(self) -> bool:
        """Return whether any member needs a password."""
        return any(info.flag_bits & _ENCRYPTED for info in self.infolist())

    @contextmanager
    def open(self, name: str) -> Iterator["Member"]:
        """Open a member; raise KeyError if there is none of this name."""
        with self._zip.open(self.infos[name]) as member:
            yield Member(member, self._unpacked)

    def read(self, name: str, most: int) -> bytes:
        """Return the content of a member; raise DecompressedTooLarge if over ``most`` bytes."""
        with self.open(name) as member:
            content = member.read(most + 1)
        if len(content) > most:
            raise DecompressedTooLarge(
                _("%(file)s in the archive is larger than %(limit)d MB.")
                % {"file": name, "limit": most >> 20}
            )
        return content


class Member:
    """A member of an archive that is being read."""

    def __init__(self, member: Any, unpacked: DecompressionCounter) -> None:
        self._member = member
        self._unpacked = unpacked

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes; fewer only at the end."""
        block: bytes = self._member.read(size)
        self._unpacked.add(len(block))
        return block

    def lines(self, most: int) -> Iterator[bytes]:
        """Yield the lines; raise DecompressedTooLarge if one has more than ``most`` bytes."""
        while line := self._member.readline(most + 1):
            self._unpacked.add(len(line))
            if len(line) > most:
                raise DecompressedTooLarge(
                    _("A line in the archive is longer than %(limit)d MB.") % {"limit": most >> 20}
                )
            yield line


class _ArchiveFile(io.FileIO):
    """An archive file from which at most ``most`` bytes can be read at once.

    ``zipfile`` reads the whole central directory at once, so this limits its size.
    """

    def __init__(self, path: Path, contents: int) -> None:
        super().__init__(path)
        self.most: int | None = contents

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            size = max(os.fstat(self.fileno()).st_size - self.tell(), 0)
        if self.most is not None and size > self.most:
            raise DecompressedTooLarge(
                _("The archive contains too many files. Send only the one with the table.")
            )
        return super().read(size) or b""
