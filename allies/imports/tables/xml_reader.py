"""XML read piece by piece, with limits: nothing is kept but what a reader takes.

A tree of the elements is never built. How deep they are nested, how many there are and how long a
piece of markup is, is counted before the next block is unpacked.
"""

from collections.abc import Iterator, Mapping
from pyexpat import ExpatError, ParserCreate

from django.utils.translation import gettext as _

from allies.file_formats import Readable
from allies.imports.tables.file_format import UnreadableFile

#: Bytes parsed at a time, the longest tag with its attributes or comment, and the deepest nesting.
BLOCK, MAX_MARKUP, MAX_DEPTH = 1 << 16, 1 << 20, 100

#: Most elements in a part of a workbook besides the cells, their rows and the shared texts.
MAX_ELEMENTS = 500_000

Attributes = Mapping[str, str]


class XmlReader:
    """Reads one part of a workbook; a subclass takes what it needs as it comes.

    Names are as expat gives them: the namespace, a space, the local name.
    """

    def __init__(self) -> None:
        self.depth = 0
        self._elements = 0

    def start(self, name: str, attributes: Attributes) -> None:
        """Take the start of an element: add one to ``depth``, and ``count`` it or limit it else."""
        self.depth += 1
        self.count()

    def end(self, name: str) -> None:
        """Take the end of an element: take one from ``depth``."""
        self.depth -= 1

    def text(self, text: str) -> None:
        """Take some of the text in an element; there may be more."""

    def count(self) -> None:
        """Count an element; raise UnreadableFile at one too many."""
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise UnreadableFile(
                _(
                    "The workbook has more than %(limit)d elements besides its cells. "
                    "Save the sheet with the table as CSV."
                )
                % {"limit": MAX_ELEMENTS}
            )

    def parse(self, stream: Readable) -> Iterator[None]:
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
                parser.Parse(block, False)
                fed += len(block)
                # Markup that has not ended is kept whole by expat, and gone over with each block.
                if fed - parser.CurrentByteIndex > MAX_MARKUP or self.depth > MAX_DEPTH:
                    raise damaged_file_error()
                yield
            parser.Parse(b"", True)
        except ExpatError as error:
            raise damaged_file_error() from error
        yield

    def parse_all(self, stream: Readable) -> None:
        """Parse a stream to its end."""
        for _block in self.parse(stream):
            pass


def local_name(name: str) -> str:
    """Return an element's or attribute's name without its namespace."""
    return name.rpartition(" ")[2]


def damaged_file_error() -> UnreadableFile:
    return UnreadableFile(_("The workbook is damaged or protected. Save it again as XLSX or CSV."))


def _refuse_doctype(*_declared: object) -> None:
    """Refuse a document type: no workbook has one, and entities are declared in it."""
    raise damaged_file_error()
