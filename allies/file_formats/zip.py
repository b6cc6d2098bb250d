"""Write ZIP archives as a stream; the same content gives the same bytes."""

from collections.abc import Iterable, Iterator
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

#: The date of all members: the earliest that ZIP can represent.
_DATE = (1980, 1, 1, 0, 0, 0)
_UNIX, _PLAIN_FILE = 3, 0o100644

#: Minimum bytes per part: thousands of tiny parts would make a response slower.
_CHUNK_BYTES = 16 * 1024


class _ChunkBuffer:
    """A write-only buffer, without seeking, that is emptied repeatedly."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: there is no file behind this buffer."""

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces, self.size = [], 0
        return taken


class ZipStream:
    """An archive being written: ``member`` and ``end`` yield its bytes.

    ``large`` allows members of more than 2 GiB, in a format (ZIP64) that some programs cannot read.
    """

    def __init__(self, *, large: bool = False) -> None:
        self._sink = _ChunkBuffer()
        self._zip = ZipFile(self._sink, "w", ZIP_DEFLATED)  # type: ignore[call-overload]
        self._large = large

    def member(self, name: str, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Write a member; yields its first bytes before taking the first block."""
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
        """Write the central directory."""
        self._zip.close()
        yield self._sink.take()
