"""Read XML as a stream, with limits.

No tree of elements is built; only what a reader picks out is kept. Tags are counted before a block
is parsed. Nesting depth, number of elements and length of a tag are checked before the next block
is decompressed.
"""

from collections.abc import Iterator, Mapping
from pyexpat import ExpatError, ParserCreate

from django.utils.translation import gettext as _

from allies.file_formats import Readable
from allies.imports.tables.encoding_and_delimiter import UnreadableFile

#: Bytes parsed at a time, maximum length of a tag or comment, and maximum nesting.
BLOCK, MAX_MARKUP, MAX_DEPTH = 1 << 16, 1 << 20, 100

#: Maximum elements in a part of a workbook, not counting cells, rows and shared texts.
MAX_ELEMENTS = 500_000

#: Above TAGS_FROM tags, a workbook may have at most MAX_TAGS_PER_BYTE times as many tags as it has
#: compressed bytes. Spreadsheet programs write at most three, because each cell names its place.
#: Parsing a million tags takes about half a second.
TAGS_FROM, MAX_TAGS_PER_BYTE = 600_000, 6

_NAMESPACES = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",  # of files saved as "Strict Open XML"
)

Attributes = Mapping[str, str]


class TagCounter:
    """Counts the tags of a workbook of ``packed`` bytes, in all parts together.

    A part that is read again is counted again, because it is parsed again.
    """

    def __init__(self, packed: int) -> None:
        self._most = max(TAGS_FROM, MAX_TAGS_PER_BYTE * packed)
        self._count = 0

    def add(self, block: bytes) -> None:
        """Count the tags in a block of markup; raise UnreadableFile if there are too many.

        In UTF-16, a few letters count as tags too.
        """
        self._count += block.count(b"<")
        if self._count > self._most:
            raise UnreadableFile(
                _(
                    "The workbook has far too many cells for its size. "
                    "Save the sheet with the table as CSV."
                )
            )


class XmlReader:
    """Reader for one part of a workbook. Subclasses extract the data they need.

    Names are in the form that expat uses: namespace, space, local name.
    """

    def __init__(self) -> None:
        self.depth = 0
        self._elements = 0

    def start(self, name: str, attributes: Attributes) -> None:
        """Handle the start of an element: increment ``depth``, and call ``count``.

        A subclass that does not call ``count`` must limit the elements in another way.
        """
        self.depth += 1
        self.count()

    def end(self, name: str) -> None:
        """Handle the end of an element: decrement ``depth``."""
        self.depth -= 1

    def text(self, text: str) -> None:
        """Handle a part of the text in an element; there may be more parts."""

    def count(self) -> None:
        """Count an element; raise UnreadableFile if there are too many."""
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise UnreadableFile(
                _(
                    "The workbook has more than %(limit)d elements besides its cells. "
                    "Save the sheet with the table as CSV."
                )
                % {"limit": MAX_ELEMENTS}
            )

    def parse(self, stream: Readable, tags: TagCounter) -> Iterator[None]:
        """Parse a stream; yield after each block. Raises UnreadableFile."""
        parser = ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.text
        parser.StartDoctypeDeclHandler = _refuse_doctype
        fed = 0
        try:
            while block := stream.read(BLOCK):
                tags.add(block)
                parser.Parse(block, False)
                fed += len(block)
                # expat keeps unfinished markup in memory and scans it again with each block.
                if fed - parser.CurrentByteIndex > MAX_MARKUP or self.depth > MAX_DEPTH:
                    raise damaged_file_error()
                yield
            parser.Parse(b"", True)
        except ExpatError as error:
            raise damaged_file_error() from error
        yield

    def parse_all(self, stream: Readable, tags: TagCounter) -> None:
        """Parse a stream to its end."""
        for _block in self.parse(stream, tags):
            pass


def qualified_names(*names: str) -> dict[str, str]:
    """Return qualified name → local name, for both namespaces."""
    return {f"{space} {name}": name for space in _NAMESPACES for name in names}


def local_name(name: str) -> str:
    """Return an element's or attribute's name without its namespace."""
    return name.rpartition(" ")[2]


def damaged_file_error() -> UnreadableFile:
    return UnreadableFile(_("The workbook is damaged or protected. Save it again as XLSX or CSV."))


def _refuse_doctype(*_declared: object) -> None:
    """Refuse a document type: workbooks have none, and it could declare entities."""
    raise damaged_file_error()
