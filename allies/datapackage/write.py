"""Write a data package as a ZIP archive, in constant memory."""

import json
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

from allies.datapackage.describe import (
    PackageDescription,
    Table,
    WrittenTable,
    build_data_dictionary,
    build_datapackage,
    build_readme,
)
from allies.file_formats import ZipStream, csv_lines

#: The path of the description for software.
DESCRIPTOR_NAME = "datapackage.json"


def package_blocks(about: PackageDescription, tables: Sequence[Table]) -> Iterator[bytes]:
    """Yield a data package in parts: the tables first, their documentation last.

    The same content gives the same bytes.
    """
    archive = ZipStream(large=True)
    written: list[WrittenTable] = []
    for table in tables:
        measure = _HashingCounter()
        yield from archive.member(table.path, measure.blocks(table))
        written.append(WrittenTable(table, measure.rows, measure.size, measure.hash.hexdigest()))
    description = json.dumps(build_datapackage(about, written), ensure_ascii=False, indent=2) + "\n"
    for name, text in (
        ("data-dictionary.md", build_data_dictionary(tables)),
        ("README.md", build_readme(about, written)),
        (DESCRIPTOR_NAME, description),
    ):
        yield from archive.member(name, [text.encode()])
    yield from archive.end()


class _HashingCounter:
    """Counts rows and bytes of a table, and hashes it, while it is written."""

    def __init__(self) -> None:
        self.rows = self.size = 0
        self.hash = sha256()

    def blocks(self, table: Table) -> Iterator[bytes]:
        for text in csv_lines([field.name for field in table.fields], self._counted(table.rows)):
            block = text.encode()
            self.size += len(block)
            self.hash.update(block)
            yield block

    def _counted(self, rows: Iterable[Sequence[object]]) -> Iterator[Sequence[object]]:
        for row in rows:
            self.rows += 1
            yield row
