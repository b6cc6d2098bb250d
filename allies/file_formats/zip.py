"""ZIP archives handed on while they are written, the same bytes for the same content."""

from collections.abc import Iterable, Iterator
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

#: The date all members bear: the first one a ZIP archive can say.
_DATE = (1980, 1, 1, 0, 0, 0)
_UNIX, _PLAIN_FILE = 3, 0o100644

#: Bytes handed on at once, at least: a response is no quicker for thousands of tiny pieces.
_CHUNK_BYTES = 16 * 1024


class _ChunkBuffer:
    """What an archive is written to: nothing to go back in, and emptied again and again."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """There is nothing behind this to be flushed."""

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces, self.size = [], 0
        return taken


class ZipStream:
    """An archive under way: ``member`` and ``end`` yield its bytes, in the order they are called.

    ``large`` allows members of more than 2 GiB, at the price of a form not every program reads.
    """

    def __init__(self, *, large: bool = False) -> None:
        self._sink = _ChunkBuffer()
        self._zip = ZipFile(self._sink, "w", ZIP_DEFLATED)  # type: ignore[call-overload]
        self._large = large

    def member(self, name: str, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Write a file; its first bytes come before the first block is asked for."""
        info = ZipInfo(name, _DATE)
        info.compress_type = ZIP_DEFLATED
        info.create_system, info.external_attr = _UNIX, _PLAIN_FILE << 16
        with self._zip.open(info, "w", force_zip64=self._large) as member:
            yield self._sink.take()
            for block in blocks:
                member.write(block)
                if self._sink.size >= _CHUNK_BYTES:
                    yield self._sink.take()
        yield self._sink.take()

    def end(self) -> Iterator[bytes]:
        """Write the archive's table of contents."""
        self._zip.close()
        yield self._sink.take()
