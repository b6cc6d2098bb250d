"""Decompression bombs: small files that become huge when they are unpacked.

`make bombs` makes each file, reads it like an upload, and prints CPU seconds and megabytes. Tests
use the same files and check the error messages.
"""

import gzip
import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

#: The limits of `make bombs`: CPU seconds, and megabytes of the largest process.
MOST_SECONDS, MOST_MEGABYTES = 2.0, 300

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_XML = '<?xml version="1.0" encoding="UTF-8"?>'
_SHEET = f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>'
_HEADER = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>country</t></is></c>'
    '<c r="B1" t="inlineStr"><is><t>name</t></is></c></row>'
    '<row r="2"><c r="A2" t="inlineStr"><is><t>RUS</t></is></c>'
    '<c r="B2" t="inlineStr"><is><t>Rusija</t></is></c></row>'
)
_END = "</sheetData></worksheet>"

#: A part of a workbook: pieces of text, each with its number of repetitions.
Part = Iterable[tuple[str | bytes, int]]


def sheet(*pieces, after=()):
    """Return a sheet with a header, ``pieces`` of markup below it, and ``after`` its cells."""
    return [
        (_SHEET + _HEADER, 1),
        *pieces,
        ("</sheetData>", 1),
        *after,
        ("</worksheet>", 1),
    ]


def workbook(path, parts=None, *, sheets=1, codec="utf-8", more=()):
    """Write a workbook in constant memory; ``parts`` replace its default parts."""
    listed = "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="rId1"/>' for n in (1,))
    contents = [
        (f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>', 1),
        (listed, sheets),
        ("</sheets></workbook>", 1),
    ]
    related = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for n, (kind, target) in enumerate(
            (
                ("worksheet", "worksheets/sheet1.xml"),
                ("sharedStrings", "sharedStrings.xml"),
                ("styles", "styles.xml"),
            ),
            start=1,
        )
    )
    root = f'<Relationship Id="a" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    spaces = f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
    members = {
        "[Content_Types].xml": [(f'{_XML}<Types xmlns="{_PACKAGE}/content-types"/>', 1)],
        "_rels/.rels": [(f"{spaces}{root}</Relationships>", 1)],
        "xl/workbook.xml": contents,
        "xl/_rels/workbook.xml.rels": [(f"{spaces}{related}</Relationships>", 1)],
        "xl/worksheets/sheet1.xml": sheet(),
        "xl/sharedStrings.xml": [(f'{_XML}<sst xmlns="{_MAIN}"/>', 1)],
        "xl/styles.xml": [(f'{_XML}<styleSheet xmlns="{_MAIN}"/>', 1)],
        **(parts or {}),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, pieces in members.items():
            _write(archive, name, pieces, codec)
        for name, content in more:
            archive.writestr(name, content)
    return path


def _write(archive, name, pieces, codec="utf-8"):
    with archive.open(name, "w", force_zip64=True) as member:
        for piece, times in pieces:
            piece = piece if isinstance(piece, bytes) else piece.encode(codec)
            at_once = max(1, min(times, (1 << 20) // max(len(piece), 1)))
            for _block in range(times // at_once):
                member.write(piece * at_once)
            member.write(piece * (times % at_once))


def packed_members(path, members):
    """Write a ZIP file whose members are given as pieces."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, pieces in members.items():
            _write(archive, name, pieces)
    return path


def packed(path, *pieces):
    """Write pieces as a gzipped file."""
    with gzip.open(path, "wb", compresslevel=6) as file:
        for piece, times in pieces:
            at_once = max(1, min(times, (1 << 20) // len(piece)))
            for _block in range(times // at_once):
                file.write(piece * at_once)
            file.write(piece * (times % at_once))
    return path


def in_sheet(*pieces, **options):
    return lambda path: workbook(path, {"xl/worksheets/sheet1.xml": sheet(*pieces, **options)})


def in_texts(*pieces):
    part = [(f'{_XML}<sst xmlns="{_MAIN}">', 1), *pieces, ("</sst>", 1)]
    return lambda path: workbook(path, {"xl/sharedStrings.xml": part})


def in_styles(*pieces):
    part = [(f'{_XML}<styleSheet xmlns="{_MAIN}">', 1), *pieces, ("</styleSheet>", 1)]
    return lambda path: workbook(path, {"xl/styles.xml": part})


def with_doctype(path):
    doctype = '<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {new} "{("&" + old + ";") * 10}">'
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    text = f'<?xml version="1.0"?>{doctype}]><worksheet xmlns="{_MAIN}"><sheetData>&i;'
    return workbook(path, {"xl/worksheets/sheet1.xml": [(text + _END, 1)]})


def with_outside_entity(path):
    text = (
        '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
        f'<worksheet xmlns="{_MAIN}"><sheetData><row><c t="str"><v>&a;</v></c></row>{_END}'
    )
    return workbook(path, {"xl/worksheets/sheet1.xml": [(text, 1)]})


def with_members(path, number=100_000):
    return workbook(path, more=((f"x{n}", b"") for n in range(number)))


def with_same_cells(path, number=1_000):
    """Write a workbook whose sheets all share one part: 30 rows of 16,000 empty cells."""
    sheets = (f'<sheet name="S{n}" sheetId="{n}" r:id="rId1"/>' for n in range(number))
    opened = f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    parts = {
        "xl/workbook.xml": [(f"{opened}{''.join(sheets)}</sheets></workbook>", 1)],
        "xl/worksheets/sheet1.xml": [(_SHEET, 1), (f"<row>{'<c/>' * 16_000}</row>", 30), (_END, 1)],
    }
    return workbook(path, parts)


def with_many_texts(path, number=140_000):
    """Write a workbook with texts of 1,000 characters that compress to a thirtieth."""

    def part():
        yield f'{_XML}<sst xmlns="{_MAIN}">', 1
        for n in range(number):
            text = hashlib.sha256(str(n).encode()).hexdigest().ljust(1_000, "x")
            yield f"<si><t>{text}</t></si>", 1
        yield "</sst>", 1

    return workbook(path, {"xl/sharedStrings.xml": part()})


def with_utf_16(path):
    rows = [(_SHEET.replace("UTF-8", "UTF-16"), 1), ("<row>", 1), ("<c/>", 10_000_000)]
    codec = "utf-16-le"
    pieces = [(b"\xff\xfe", 1), *((text.encode(codec), times) for text, times in rows)]
    pieces.append((f"</row>{_END}".encode(codec), 1))
    return workbook(path, {"xl/worksheets/sheet1.xml": pieces})


def with_overlaps(path, number=10_000, size=16 << 20):
    """Write a ZIP file whose members all share the same bytes: 160 GB in a megabyte."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    content = b" " * size
    body = deflate.compress(content) + deflate.flush()
    crc = zlib.crc32(content)
    local = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 8, 0, 33, crc, len(body), size, 5, 0)
    first = local + b"x.xml" + body
    directory = b"".join(
        struct.pack(
            "<IHHHHHHIIIHHHHHII",
            *(0x02014B50, 20, 20, 0, 8, 0, 33, crc, len(body), size),
            *(len(name), 0, 0, 0, 0, 0, 0),
        )
        + name
        for name in (f"{n}.xml".encode() for n in range(number))
    )
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, number, number, len(directory), len(first), 0)
    path.write_bytes(first + directory + end)
    return path


def with_wrong_size(path):
    """Write a workbook whose sheet claims to have 100 bytes, but has 100 MB."""
    in_sheet((" ", 100 << 20))(path)
    content = bytearray(path.read_bytes())
    name = b"xl/worksheets/sheet1.xml"
    at = content.rfind(name) - 46
    content[at + 24 : at + 28] = (100).to_bytes(4, "little")
    path.write_bytes(content)
    return path


def with_password(path):
    workbook(path)
    content = bytearray(path.read_bytes())
    at = -1
    while (at := content.find(b"PK\x01\x02", at + 1)) >= 0:
        content[at + 8] |= 1
    path.write_bytes(content)
    return path


def with_lzma(path):
    workbook(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_LZMA) as archive:
        _write(archive, "xl/media/more", [("0" * 1024, 64 << 10)])
    return path


def plain(path, *pieces):
    with path.open("wb") as file:
        for piece, times in pieces:
            at_once = max(1, min(times, (1 << 20) // len(piece)))
            for _block in range(times // at_once):
                file.write(piece * at_once)
            file.write(piece * (times % at_once))
    return path


_ROW = '<row><c t="str"><v>x</v></c></row>'
_LINE = (b"country,name\nRUS,Rusija\n", 1)

#: Description → (function that writes the file, part of the error message).
BOMBS = {
    "a row of ten million empty cells": (
        in_sheet(("<row>", 1), ("<c/>", 10_000_000), ("</row>", 1)),
        "columns",
    ),
    "ten million empty cells in many rows": (
        in_sheet(("<row>", 1), ("<c/>", 20_000), ("</row>", 1), ("<row/>", 10)),
        "columns",
    ),
    "ten million unknown elements": (in_sheet(("<x/>", 10_000_000)), "elements besides its cells"),
    "ten million unknown elements in a cell": (
        in_sheet(('<row><c r="A3"><is>', 1), ("<x/>", 10_000_000), ("</is></c></row>", 1)),
        "columns",
    ),
    "ten million elements after the table": (
        in_sheet(after=(("<y>", 1), ("<x/>", 10_000_000), ("</y>", 1))),
        "elements besides its cells",
    ),
    "a cell of 600 MB": (
        in_sheet(('<row><c t="str"><v>', 1), ("x", 600 << 20), ("</v></c></row>", 1)),
        "times as large",
    ),
    "a cell of 100 MB": (
        in_sheet(('<row><c t="str"><v>', 1), ("x", 100 << 20), ("</v></c></row>", 1)),
        "characters",
    ),
    "a shared text of 600 MB": (
        in_texts(("<si><t>", 1), ("x", 600 << 20), ("</t></si>", 1)),
        "times as large",
    ),
    "ten million empty rows": (in_sheet(("<row/>", 10_000_000)), "for its size"),
    "ten million empty cells in a thousand rows": (
        in_sheet((f"<row>{'<c/>' * 10_000}</row>", 1_000)),
        "for its size",
    ),
    "ten million empty cells below the columns": (
        in_sheet((f"<row>{'<c/>' * 500}</row>", 20_000)),
        "for its size",
    ),
    "ten million unknown elements in forty rows": (
        in_sheet((f'<row><c r="A9"/>{"<x/>" * 250_000}</row>', 40)),
        "for its size",
    ),
    "a thousand sheets with the same cells": (with_same_cells, "for its size"),
    "a row with a number far away": (in_sheet(('<row r="900000000"/>', 1)), "rows"),
    "cells far to the right": (
        in_sheet(('<row><c r="XFD9999999" t="str"><v>x</v></c></row>', 1)),
        "columns",
    ),
    "a column that no sheet has": (
        in_sheet(('<row><c r="AAAAAAAA1" t="str"><v>x</v></c></row>', 1)),
        "damaged",
    ),
    "a million sheets": (lambda path: workbook(path, sheets=1_000_000), "sheets"),
    "six million shared texts": (in_texts(("<si><t>x</t></si>", 6_000_000)), "for its size"),
    "two million shared texts": (in_texts(("<si><t>x</t></si>", 2_000_000)), "for its size"),
    "a shared text with 25 million fonts": (
        in_texts(("<si>", 1), ("<x/>", 25_000_000), ("</si>", 1)),
        "for its size",
    ),
    "140 MB of shared texts": (with_many_texts, "texts in the"),
    "ten million formats": (in_styles(("<xf/>", 10_000_000)), "elements besides its cells"),
    "elements nested a million times": (
        in_sheet(("<x>", 1_000_000), ("</x>", 1_000_000)),
        "damaged",
    ),
    "an attribute of 100 MB": (
        in_sheet(('<row><c r="', 1), ("x", 100 << 20), ('"/></row>', 1)),
        "damaged",
    ),
    "a comment of 100 MB": (in_sheet(("<!--", 1), ("x", 100 << 20), ("-->", 1)), "damaged"),
    "entities that grow": (with_doctype, "damaged"),
    "an entity from outside": (with_outside_entity, "damaged"),
    "an archive of 100,000 members": (with_members, "too many files"),
    "members that overlap": (with_overlaps, "The unpacked file"),
    "a size that is wrong": (with_wrong_size, "damaged"),
    "an archive with a password": (with_password, "damaged"),
    "a member packed with LZMA": (with_lzma, "damaged"),
    "a row of ten million cells in UTF-16": (with_utf_16, "columns"),
    "four million merged cells": (
        in_sheet(
            after=(
                ("<mergeCells>", 1),
                ('<mergeCell ref="A1:B2"/>', 4_000_000),
                ("</mergeCells>", 1),
            )
        ),
        "elements besides its cells",
    ),
    "a line of 600 MB, gzipped": (
        lambda path: packed(path, _LINE, (b"x", 600 << 20)),
        "times as large",
    ),
    "a line of 150 MB": (lambda path: plain(path, _LINE, (b"x", 150 << 20)), "characters"),
    "a row of 50 million commas": (lambda path: plain(path, _LINE, (b",", 50 << 20)), "characters"),
    "a gzip of a gzip": (
        lambda path: packed(path, (gzip.compress(gzip.compress(b"a,b\n1,2\n")), 1)),
        "gzip",
    ),
    "2 GB of empty lines, gzipped": (
        lambda path: packed(path, _LINE, (b"\n", 2 << 30)),
        "times as large",
    ),
}


#: Reads a file as the job does, and prints the message, the CPU seconds, and the peak memory in MB
#: of this process and of its child.
READ = """
import json, resource, sys
from pathlib import Path
import django
django.setup()
from allies.imports.tables import SandboxedTable, UnreadableFile, read_sample
def used():
    return sum(
        sum(resource.getrusage(who)[:2])
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )


before = used()
try:
    sample = read_sample(Path(sys.argv[1]))
    said = f"{sum(1 for row in SandboxedTable(Path(sys.argv[1]), sample).rows())} rows"
except UnreadableFile as error:
    said = str(error)
seconds = used() - before
most = [resource.getrusage(who).ru_maxrss >> 10
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps([said, seconds, *most]))
"""


def read(path):
    """Read a file; return (message, CPU seconds, peak MB of the larger process)."""
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        env={**_environment(), "DJANGO_SETTINGS_MODULE": "config.settings"},
    )
    said, seconds, own, reader = json.loads(done.stdout)
    return said, seconds, max(own, reader)


def _environment():
    return {**os.environ, "ALLIES_DATA_DIR": tempfile.gettempdir()}


def main():
    """Make and read all files; return True if all are within the limits."""
    good = True
    with tempfile.TemporaryDirectory(prefix="allies-bombs-") as folder:
        path = Path(folder) / "file"
        for name, (make, _said) in BOMBS.items():
            make(path)
            size = path.stat().st_size
            said, seconds, megabytes = read(path)
            fits = seconds <= MOST_SECONDS and megabytes <= MOST_MEGABYTES
            good = good and fits
            mark = "" if fits else "  ← over the bound"
            print(f"{name:<42} {size / 1e3:>9,.0f} kB {seconds:>6.2f} s {megabytes:>5} MB{mark}")
            print(f"    {said}", flush=True)
    return good


if __name__ == "__main__":
    sys.exit(not main())
