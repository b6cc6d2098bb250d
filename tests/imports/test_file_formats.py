"""Real files, as spreadsheets and old programs write them: detection, reading and refusal."""

import codecs
import csv
import datetime as dt
import gzip
import io
import zipfile
import zlib

import openpyxl
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as runs
from hypothesis import strategies as st
from openpyxl.worksheet.formula import ArrayFormula

from allies.imports.tables import (
    FileFormat,
    UnreadableFile,
    detect_format,
    first_rows,
    open_table,
    sheet_names_of,
)
from tests.hypothesis_profiles import examples

HEADER = ["name", "code", "note"]
NAMES = ["Côte d’Ivoire", "Türkiye", "São Tomé", "Curaçao", "Réunion", "Åland"]
ROWS = [[name, f"{place}", "two words"] for place, name in enumerate(NAMES, start=1)]

#: Encodings by name, with a function that encodes a text in each.
ENCODINGS = {
    "utf-8": lambda text: text.encode(),
    "utf-8-sig": lambda text: text.encode("utf-8-sig"),
    "utf-16 LE": lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
    "utf-16 BE": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "utf-16 LE without mark": lambda text: text.encode("utf-16-le"),
    "utf-16 BE without mark": lambda text: text.encode("utf-16-be"),
    "cp1252": lambda text: text.encode("cp1252"),
    "mac_roman": lambda text: text.encode("mac_roman"),
}
#: The detected encoding if it differs from the name above. UTF-8 is always "utf-8-sig", with or
#: without a byte order mark, as in the admin's form.
EXPECTED = {
    "utf-8": "utf-8-sig",
    "utf-16 LE": "utf-16",
    "utf-16 BE": "utf-16",
    "utf-16 LE without mark": "utf-16-le",
    "utf-16 BE without mark": "utf-16-be",
}
DELIMITERS = [",", ";", "\t", "|"]
LINE_ENDS = ["\n", "\r\n", "\r"]


def written(rows, delimiter=",", line_end="\n"):
    """Return rows as text, as csv.writer writes them."""
    out = io.StringIO(newline="")
    # A writer quotes a lone CR or LF only if it is part of its own line ends.
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    for row in rows:
        writer.writerow(row)
    text = out.getvalue()
    return text if line_end == "\r\n" else text.replace("\r\n", line_end)


def file_of(folder, content, name="file"):
    """Write a file with this content (a text as UTF-8); return its path."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def cells_of(path, layout=None):
    """Return the cells of a file's rows."""
    return [list(row.cells) for row in open_table(path, layout).rows()]


def workbook(folder, *tables, name="file", hidden=()):
    """Write a workbook with one sheet per table, named S1, S2, …; return its path."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(tables, start=1):
        sheet = book.create_sheet(f"S{number}")
        for row in rows:
            sheet.append(row)
        if sheet.title in hidden:
            sheet.sheet_state = "hidden"
    path = folder / name
    book.save(path)
    return path


def repacked(path, **changes):
    """Rewrite a workbook's archive with some members changed, given by the stems of their names."""
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in members.items():
            change = changes.get(name.rsplit("/", 1)[-1].partition(".")[0])
            new.writestr(name, change(content) if change else content)
    return path


def sharing_texts(path, texts=("name", "code", "a")):
    """Rewrite a workbook as Excel does, with shared texts in a separate member."""
    shared = "".join(f"<si><t>{text}</t></si>" for text in texts)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name).decode() for name in old.namelist()}
    types = members["[Content_Types].xml"]
    override = (
        f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}.sharedStrings+xml"/>'
    )
    members["[Content_Types].xml"] = types.replace("</Types>", f"{override}</Types>")
    sheet = members["xl/worksheets/sheet1.xml"]
    for place, text in enumerate(texts):
        sheet = sheet.replace(f't="inlineStr"><is><t>{text}</t></is>', f't="s"><v>{place}</v>')
    members["xl/worksheets/sheet1.xml"] = sheet
    members["xl/sharedStrings.xml"] = (
        '<?xml version="1.0"?><sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f"{shared}</sst>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in members.items():
            new.writestr(name, content)
    return path


def refusal(path, layout=None):
    """Return why a file is refused when it is opened or when its rows are read."""
    with pytest.raises(UnreadableFile) as refused:
        for _row in open_table(path, layout).rows():
            pass
    return str(refused.value)


# The format of a text.


@pytest.mark.parametrize("line_end", LINE_ENDS, ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("delimiter", DELIMITERS, ids=["comma", "semicolon", "tab", "pipe"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_text_in_any_encoding_with_any_delimiter_and_line_end(
    tmp_path, encoding, delimiter, line_end
):
    path = file_of(tmp_path, ENCODINGS[encoding](written([HEADER, *ROWS], delimiter, line_end)))
    layout = detect_format(path)
    assert layout == FileFormat("text", EXPECTED.get(encoding, encoding), delimiter, 1)
    assert open_table(path).columns == HEADER
    assert cells_of(path) == ROWS


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman"])
def test_encoding_is_detected_from_a_single_name(tmp_path, encoding, name):
    path = file_of(tmp_path, f"name,code\n{name},1\nOther,2\n".encode(encoding))
    assert detect_format(path).encoding == encoding
    assert cells_of(path)[0][0] == name


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman"])
def test_encoding_is_detected_from_non_ascii_letters_late_in_the_file(tmp_path, encoding):
    plain = "".join(f"row {n},{n}\n" for n in range(20_000))
    path = file_of(tmp_path, f"name,code\n{plain}Türkiye,7\n".encode(encoding))
    assert detect_format(path).encoding == encoding
    assert cells_of(path)[-1] == ["Türkiye", "7"]


def test_utf8_is_detected_if_the_sample_ends_within_a_character(tmp_path):
    text = "name,code\n" + "é" * 70_000 + ",1\nb,2\n"
    path = file_of(tmp_path, text)
    assert detect_format(path).encoding == "utf-8-sig"
    assert len(cells_of(path)[0][0]) == 70_000


def test_invalid_utf8_late_in_the_file_is_read_as_cp1252(tmp_path):
    path = file_of(tmp_path, b"name,code\n" + b"a,1\n" * 50_000 + b"T\xfcrkiye,2\n")
    assert detect_format(path).encoding == "cp1252"
    assert cells_of(path)[-1] == ["Türkiye", "2"]


@pytest.mark.parametrize("byte", [0x81, 0x8D, 0x8F, 0x90, 0x9D])
def test_cp1252_with_undefined_bytes(tmp_path, byte):
    path = file_of(tmp_path, b"name,code\nT\xfcr" + bytes([byte]) + b",1\n")
    layout = FileFormat("text", "cp1252", ",")
    try:
        assert cells_of(path, layout)[0][1] == "1"
    except UnreadableFile as refused:
        assert "cp1252" in str(refused)
    takes(path)


def test_utf16_with_half_a_character_is_refused(tmp_path):
    path = file_of(tmp_path, "name,code\na,1\n".encode("utf-16") + b"x")
    assert refusal(path)


def test_wrong_encoding_chosen_by_an_editor_is_refused(tmp_path):
    path = file_of(tmp_path, "name,code\nTürkiye,1\n".encode("cp1252"))
    assert "utf-8" in refusal(path, FileFormat("text", "utf-8", ","))


def test_gzipped_text_with_any_file_name(tmp_path):
    path = file_of(tmp_path, gzip.compress(written([HEADER, *ROWS], ";").encode()), "x.xlsx")
    assert detect_format(path) == FileFormat("text", "utf-8-sig", ";", 1, gzipped=True)
    assert cells_of(path) == ROWS


def test_gzipped_text_of_several_members(tmp_path):
    path = file_of(tmp_path, gzip.compress(b"name,code\na,1\n") + gzip.compress(b"b,2\n"))
    assert cells_of(path) == [["a", "1"], ["b", "2"]]


def test_lines_that_end_in_different_ways(tmp_path):
    path = file_of(tmp_path, "name,code\r\na,1\nb,2\rc,3")
    assert cells_of(path) == [["a", "1"], ["b", "2"], ["c", "3"]]


def test_one_column(tmp_path):
    path = file_of(tmp_path, "name\nalpha\nbeta\n")
    assert detect_format(path) == FileFormat("text", "utf-8-sig", ",", 1)
    assert cells_of(path) == [["alpha"], ["beta"]]


def test_one_column_of_sentences(tmp_path):
    path = file_of(tmp_path, "remark\nYes; no.\nFirst. Then; perhaps\nplain\nno more\n")
    assert [row[0] for row in cells_of(path)] == [
        "Yes; no.",
        "First. Then; perhaps",
        "plain",
        "no more",
    ]


PROSE = 'The "pact", as it is\nwritten; signed | sealed,\tso to say (1949-04-04).\n\nIt’s 12,5 % '


@pytest.mark.parametrize("delimiter", DELIMITERS, ids=["comma", "semicolon", "tab", "pipe"])
def test_delimiter_among_long_prose(tmp_path, delimiter):
    rows = [
        [f"slug-{n}", f"Name {n}", PROSE * (n % 7 + 1), "http://x.org/?a,b;c"] for n in range(300)
    ]
    path = file_of(tmp_path, written([["slug", "name", "text", "source"], *rows], delimiter))
    assert detect_format(path).delimiter == delimiter
    assert cells_of(path) == rows


@pytest.mark.parametrize("delimiter", [";", "\t", "|"], ids=["semicolon", "tab", "pipe"])
def test_delimiter_if_every_row_has_commas(tmp_path, delimiter):
    rows = [[f"Name {n}", f"{n},5", "one, two, three"] for n in range(30)]
    text = "\n".join(delimiter.join(row) for row in [HEADER, *rows])
    path = file_of(tmp_path, text)
    assert detect_format(path).delimiter == delimiter
    assert cells_of(path) == rows


# Quotes.


def test_quotes_doubled_inside_and_line_breaks(tmp_path):
    path = file_of(tmp_path, 'name,code\n"say ""yes""\r\nor no",1\n"a,b",2\n')
    assert cells_of(path) == [['say "yes"\r\nor no', "1"], ["a,b", "2"]]


def test_rows_after_a_line_break_in_a_cell_keep_their_number(tmp_path):
    path = file_of(tmp_path, 'name,code\n"a\nb",1\nc,2\n')
    assert [row.number for row in open_table(path).rows()] == [2, 3]


def test_stray_quotes_lose_nothing(tmp_path):
    path = file_of(tmp_path, 'name,code\nthe 5" gun,1\n"a" b,2\nd"e"f,3\n')
    joined = " ".join(cell for row in cells_of(path) for cell in row)
    assert all(word in joined for word in ["the 5", "gun", "a", "b", "d", "e", "f", "1", "2", "3"])
    assert len(cells_of(path)) == 3


def test_unclosed_quote_is_refused_with_its_first_row(tmp_path):
    path = file_of(tmp_path, 'name,code\na,1\nb,"2\nc,3\nd,4\n')
    assert "ow 3" in refusal(path)


def test_unclosed_quote_in_the_last_cell_without_line_end(tmp_path):
    assert "ow 3" in refusal(file_of(tmp_path, 'name,code\na,1\nb,"'))


def test_unclosed_quote_longer_than_a_cell_may_be(tmp_path):
    path = file_of(tmp_path, 'name,code\na,1\nb,"2\n' + "c,3\n" * 50_000)
    assert "ow 3" in refusal(path, FileFormat("text", "utf-8", ","))


@pytest.mark.parametrize("end", ["\x1a", "\x1a\n", "\n\x1a", "\r\n\x1a\r\n"])
def test_ctrl_z_at_the_end_is_dropped(tmp_path, end):
    path = file_of(tmp_path, f"name,code\na,1\nb,2{end}")
    assert cells_of(path) == [["a", "1"], ["b", "2"]]


def test_ctrl_z_elsewhere_is_text(tmp_path):
    path = file_of(tmp_path, "name,code\na\x1a,1\nb,2\n")
    assert cells_of(path) == [["a\x1a", "1"], ["b", "2"]]


def test_ctrl_z_at_the_end_of_a_line_within_the_file_is_text(tmp_path):
    path = file_of(tmp_path, "name,code\na,1\x1a\nb,2\n")
    assert cells_of(path) == [["a", "1\x1a"], ["b", "2"]]


def test_last_cell_may_end_like_our_end_marker(tmp_path):
    path = file_of(
        tmp_path, "name,code\na,1\nb,end of the text\x1a\nc,\x1aend of the text\x1a\nd,4\n"
    )
    assert [row[0] for row in cells_of(path)] == ["a", "b", "c", "d"]


# The header.


def test_header_below_a_preamble(tmp_path):
    path = file_of(
        tmp_path, "Members of the pact\n\nAs of 2024,,\nname,code,year\na,1,1949\nb,2,1952\n"
    )
    assert detect_format(path).header_row == 4
    assert open_table(path).columns == ["name", "code", "year"]
    assert [row.number for row in open_table(path).rows()] == [5, 6]


def test_header_of_a_sheet_below_a_preamble(tmp_path):
    path = workbook(tmp_path, [["Members"], [], ["name", "code"], ["a", 1], ["b", 2]])
    assert detect_format(path) == FileFormat("xlsx", header_row=3, sheet="S1")
    assert cells_of(path) == [["a", "1"], ["b", "2"]]


@pytest.mark.parametrize(
    "text",
    [
        "USA,1949,1\nCAN,1949,2\nFRA,1950,3\n",
        "Alpha,1949-04-04\nBeta,1952-02-18\nGamma,1955-05-09\n",
        "1,200,5.5\n2,235,6.1\n3,20,7.0\n",
    ],
    ids=["words and numbers", "days", "numbers only"],
)
def test_no_header_if_the_first_row_is_data(tmp_path, text):
    path = file_of(tmp_path, text)
    assert detect_format(path).header_row == 0
    table = open_table(path)
    assert table.columns == [f"Column {letter}" for letter in "ABC"[: len(table.columns)]]
    assert len(list(table.rows())) == 3
    assert next(table.rows()).number == 1


@pytest.mark.parametrize(
    "text",
    [
        "name,code\nAlpha,x\nBeta,y\n",
        "name,1949,1950\nAlpha,1,2\nBeta,3,4\n",
        "name,code\nAlpha,1\nBeta,2\n",
        "name,code\n",
        "name,,code\na,,1\nb,,2\n",
    ],
    ids=["words", "years", "numbers below", "alone", "an empty name"],
)
def test_header_is_detected(tmp_path, text):
    assert detect_format(file_of(tmp_path, text)).header_row == 1


def test_header_narrower_than_some_rows(tmp_path):
    path = file_of(tmp_path, "name,code\na,1\nb,2,x\nc,3\nd,4\n")
    assert detect_format(path).header_row == 1


def test_header_row_corrected_by_an_editor(tmp_path):
    path = file_of(tmp_path, "x,y\nname,code\na,1\n")
    table = open_table(path, FileFormat("text", "utf-8", ",", 2))
    assert table.columns == ["name", "code"]
    table = open_table(path, FileFormat("text", "utf-8", ",", 0))
    assert table.columns == ["Column A", "Column B"]
    assert len(list(table.rows())) == 3


def test_header_past_the_end_is_refused(tmp_path):
    path = file_of(tmp_path, "name,code\na,1\n")
    assert "9" in refusal(path, FileFormat("text", "utf-8", ",", 9))


def test_column_names_are_unique(tmp_path):
    path = file_of(tmp_path, " name ,,name,name (2),code,name\na,b,c,d,e,f\n")
    columns = open_table(path, FileFormat("text", "utf-8", ",")).columns
    assert columns[:3] == ["name", "Column B", "name (2)"]
    assert len(set(columns)) == len(columns) == 6


def test_columns_past_z_are_lettered_as_in_a_spreadsheet(tmp_path):
    path = file_of(
        tmp_path, ",".join(["x"] + [""] * 27 + ["y"]) + "\n" + ",".join(["1"] * 29) + "\n"
    )
    columns = open_table(path, FileFormat("text", "utf-8", ",")).columns
    assert columns[25:28] == ["Column Z", "Column AA", "Column AB"]


# The rows.


def test_rows_can_be_read_repeatedly_from_the_start(tmp_path):
    table = open_table(file_of(tmp_path, "name,code\na,1\nb,2\n"))
    taken = table.rows()
    next(taken)
    assert len(list(table.rows())) == len(list(table.rows())) == 2
    assert len(list(taken)) == 1


def test_empty_rows_are_skipped_but_counted(tmp_path):
    path = file_of(tmp_path, "name,code\n\na,1\n,\n , \n\nb,2\n")
    rows = list(open_table(path).rows())
    assert [list(row.cells) for row in rows if "".join(row.cells).strip()] == [
        ["a", "1"],
        ["b", "2"],
    ]
    assert [row.number for row in rows if row.cells[0].strip()] == [3, 7]
    assert len(rows) <= 3


def test_short_rows_are_padded(tmp_path):
    path = file_of(tmp_path, "name,code,note\na\nb,2\nc,3,z\nd,4,z\n")
    assert cells_of(path)[:2] == [["a", "", ""], ["b", "2", ""]]


def test_long_rows_lose_only_empty_cells_or_have_a_problem(tmp_path):
    path = file_of(tmp_path, "name,code\na,1,,\nb,2,x\nc,3\nd,4\n")
    rows = list(open_table(path).rows())
    assert [list(row.cells) for row in rows] == [["a", "1"], ["b", "2"], ["c", "3"], ["d", "4"]]
    assert [bool(row.problem) for row in rows] == [False, True, False, False]
    assert "3" in rows[1].problem and "2" in rows[1].problem and "quotes" in rows[1].problem


def test_rows_are_unescaped(tmp_path):
    path = file_of(tmp_path, "name,code\n'=1+1,'-5\n'plain,''+x\n")
    assert cells_of(path) == [["=1+1", "-5"], ["'plain", "'+x"]]


def test_first_rows_are_returned_unchanged(tmp_path):
    path = file_of(tmp_path, "Title\n\nname,code\n'=a,1\nb,2\n")
    layout = detect_format(path)
    assert first_rows(path, layout) == [["Title"], [], ["name", "code"], ["'=a", "1"], ["b", "2"]]
    assert first_rows(path, layout, 1) == [["Title"]]


# Workbooks.


def test_workbook_cells_as_text(tmp_path):
    values = [
        "text",
        7,
        7.0,
        1.5,
        True,
        False,
        None,
        dt.date(2024, 6, 19),
        dt.datetime(2024, 6, 19, 12, 30),
        "#REF!",
        "last",
    ]
    path = workbook(tmp_path, [[f"c{n}" for n in range(len(values))], values])
    assert cells_of(path) == [
        [
            "text",
            "7",
            "7",
            "1.5",
            "yes",
            "no",
            "",
            "2024-06-19",
            "2024-06-19 12:30:00",
            "#REF!",
            "last",
        ]
    ]


def test_workbook_formula_gives_its_stored_result(tmp_path):
    path = workbook(tmp_path, [["name", "sum"], ["a", "=1+1"], ["b", 3]])
    path = repacked(
        path, sheet1=lambda xml: xml.replace(b"<v></v>", b"<v>2</v>").replace(b"<v />", b"<v>2</v>")
    )
    assert cells_of(path) == [["a", "2"], ["b", "3"]]


def test_workbook_array_formula(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["name", "sum"])
    book.active.append(["a", 1])
    book.active["B3"] = ArrayFormula("B3", "=SUM(B2:B2)")
    book.active["A3"] = "b"
    book.save(tmp_path / "file")
    assert [row[0] for row in cells_of(tmp_path / "file")] == ["a", "b"]


def test_workbook_opens_at_its_first_visible_sheet_with_cells(tmp_path):
    path = workbook(
        tmp_path,
        [["hidden", "x"], ["a", 1]],
        [],
        [["name", "code"], ["b", 2]],
        [["other", "code"], ["c", 3]],
        hidden=("S1",),
    )
    assert detect_format(path).sheet == "S3"
    assert set(sheet_names_of(path)) == {"S1", "S2", "S3", "S4"}
    assert cells_of(path, FileFormat("xlsx", sheet="S4")) == [["c", "3"]]


def test_workbook_with_wrong_dimensions_is_read(tmp_path):
    path = workbook(tmp_path, [["name", "code"], ["a", 1], ["b", 2]])
    path = repacked(path, sheet1=lambda xml: xml.replace(b'ref="A1:B3"', b'ref="A1:A1"'))
    assert cells_of(path) == [["a", "1"], ["b", "2"]]


def test_workbook_rows_missing_in_the_file_are_counted(tmp_path):
    book = openpyxl.Workbook()
    for place, value in {
        "A1": "name",
        "B1": "code",
        "A5": "a",
        "B5": 1,
        "A9": "b",
        "B9": 2,
    }.items():
        book.active[place] = value
    book.save(tmp_path / "file")
    assert [row.number for row in open_table(tmp_path / "file").rows()] == [5, 9]


def test_workbook_with_shared_texts(tmp_path):
    path = sharing_texts(workbook(tmp_path, [["name", "code"], ["a", 1]]))
    assert cells_of(path) == [["a", "1"]]


def test_workbook_with_a_huge_row_number_is_refused(tmp_path):
    path = workbook(tmp_path, [["name", "code"], ["a", 1], ["b", 2]])

    def far(xml):
        return xml.replace(b'r="3"', b'r="900000000"').replace(b'r="A3"', b'r="A900000000"')

    assert "rows" in refusal(repacked(path, sheet1=far))


def test_workbook_with_cells_far_to_the_right_is_refused(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["name", "code"])
    book.active.append(["a", 1])
    book.active["XFD1"] = "far"
    book.save(tmp_path / "file")
    assert "columns" in refusal(tmp_path / "file")


def test_workbook_without_the_chosen_sheet_is_refused(tmp_path):
    path = workbook(tmp_path, [["name", "code"], ["a", 1]])
    assert "Nope" in refusal(path, FileFormat("xlsx", sheet="Nope"))


def test_text_has_no_sheet_names(tmp_path):
    assert sheet_names_of(file_of(tmp_path, "name,code\na,1\n")) == []


# Refusals.


def archive(**members):
    """Return the bytes of a ZIP archive with these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return out.getvalue()


ODS = archive(
    **{"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<x/>"}
)
LOCKED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le")
NOT_TABLES = {
    "PNG": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "JPEG": b"\xff\xd8\xff\xe0\0\x10JFIF",
    "GIF": b"GIF89a\1\0\1\0",
    "WebP": b"RIFF\x24\0\0\0WEBPVP8 ",
    "PDF": b"%PDF-1.7\n%\xe2\xe3\n1 0 obj",
    "XLS": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "Workbook".encode("utf-16-le"),
    "ZIP": archive(readme="a,b\n1,2\n"),
    "ODS": ODS,
}


@pytest.mark.parametrize("kind", NOT_TABLES)
@pytest.mark.parametrize("gzipped", [False, True], ids=["plain", "gzipped"])
def test_other_file_types_are_named_with_advice(tmp_path, kind, gzipped):
    content = gzip.compress(NOT_TABLES[kind]) if gzipped else NOT_TABLES[kind]
    said = refusal(file_of(tmp_path, content, "file.csv"))
    assert "CSV" in said and "XLSX" in said
    assert kind.casefold() in said.casefold() or (gzipped and kind == "ODS")


def test_workbook_with_a_password_is_distinguished_from_an_xls_file(tmp_path):
    assert "password" in refusal(file_of(tmp_path, LOCKED))


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b" \n,,\n", codecs.BOM_UTF8, codecs.BOM_UTF16_LE]
)
def test_empty_file_is_refused(tmp_path, content):
    assert "empty" in refusal(file_of(tmp_path, content))


def test_empty_gzip_and_empty_workbook_are_refused(tmp_path):
    assert "empty" in refusal(file_of(tmp_path, gzip.compress(b"")))
    assert "empty" in refusal(workbook(tmp_path, [], []))


def test_nul_characters_are_refused(tmp_path):
    assert "NUL" in refusal(file_of(tmp_path, b"name,code\na\0b,1\nc,2\n"))
    late = b"name,code\n" + b"a,1\n" * 50_000 + b"a\0,1\n"
    assert "NUL" in refusal(file_of(tmp_path, late))


def test_file_too_big_is_refused(tmp_path, settings):
    settings.IMPORT_MAX_BYTES = 10
    path = file_of(tmp_path, "name,code\na,1\n")
    assert "the limit is" in refusal(path)


def test_too_many_rows_are_refused(tmp_path, settings):
    settings.IMPORT_MAX_ROWS = 3
    assert len(cells_of(file_of(tmp_path, "name,code\n" + "a,1\n" * 3))) == 3
    assert "3" in refusal(file_of(tmp_path, "name,code\n" + "a,1\n" * 4))


def test_too_many_columns_are_refused(tmp_path, settings):
    settings.IMPORT_MAX_COLUMNS = 3
    assert "columns" in refusal(file_of(tmp_path, "a,b,c,d\n1,2,3,4\n"))
    assert cells_of(file_of(tmp_path, "a,b,c\n1,2,x\n")) == [["1", "2", "x"]]


def test_row_with_far_too_many_cells_is_refused_or_reported(tmp_path):
    path = file_of(tmp_path, "a,b\n1,2\n" + "x," * 40_000 + "\n3,4\n")
    try:
        assert any(row.problem for row in open_table(path, FileFormat("text", "utf-8", ",")).rows())
    except UnreadableFile as refused:
        assert "columns" in str(refused) or "cells" in str(refused)


def test_cell_that_is_too_long_is_refused(tmp_path, settings):
    settings.IMPORT_MAX_CELL_LENGTH = 50
    assert "ow 3" in refusal(file_of(tmp_path, f"name,code\na,1\n{'b' * 51},2\n"))
    assert len(cells_of(file_of(tmp_path, f"name,code\na,1\n{'b' * 50},2\n"))) == 2


def test_workbook_cell_that_is_too_long_is_refused(tmp_path, settings):
    settings.IMPORT_MAX_CELL_LENGTH = 50
    assert "ow 3" in refusal(workbook(tmp_path, [["name", "code"], ["a", 1], ["b" * 51, 2]]))


def test_cell_limit_holds_after_another_reader_changed_it(tmp_path):
    path = file_of(tmp_path, "name,code\n" + "a" * 60_000 + ",1\n")
    rows = open_table(path).rows()
    csv.field_size_limit(10)
    assert len(next(rows).cells[0]) == 60_000


def test_endless_line_is_refused_in_bounded_memory(tmp_path):
    path = file_of(tmp_path, gzip.compress(b"name,code\n" + b"x" * (64 << 20)))
    assert "characters" in refusal(path)


def test_archive_of_a_newer_zip_version_is_refused(tmp_path):
    content = bytearray(workbook(tmp_path, [["name", "code"], ["a", 1]]).read_bytes())
    content[content.find(b"PK\x01\x02") + 6] = 99
    assert "damaged" in refusal(file_of(tmp_path, bytes(content)))


# Files that decompress to more than they declare.


def test_gzip_that_decompresses_past_the_limit_is_refused(tmp_path, settings):
    settings.IMPORT_MAX_UNCOMPRESSED_BYTES = 1 << 20
    path = file_of(tmp_path, gzip.compress(b"name,code\n" + b"a,1\n" * (1 << 20)))
    assert path.stat().st_size < 1 << 16
    assert "npacked" in refusal(path)


def test_workbook_that_decompresses_past_the_limit_is_refused(tmp_path, settings):
    settings.IMPORT_MAX_UNCOMPRESSED_BYTES = 1 << 20
    path = workbook(tmp_path, [["name", "code"], ["a", 1]])
    path = repacked(path, sheet1=lambda xml: xml + b" " * (2 << 20))
    assert path.stat().st_size < 1 << 16
    assert "npacked" in refusal(path)


def lying_about(path, member, size):
    """Change the sizes in an archive's headers so that a member seems to have ``size`` bytes."""
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as packed:
        info = packed.getinfo(member)
        name, place = member.encode(), 0
        while (place := content.find(b"PK\x01\x02", place)) >= 0:
            if content[place + 46 : place + 46 + len(name)] == name:
                content[place + 24 : place + 28] = size.to_bytes(4, "little")
            place += 4
        content[info.header_offset + 22 : info.header_offset + 26] = size.to_bytes(4, "little")
    path.write_bytes(content)
    return path


def test_workbook_with_a_false_size_in_its_headers_is_refused(tmp_path, settings):
    settings.IMPORT_MAX_UNCOMPRESSED_BYTES = 1 << 20
    path = workbook(tmp_path, [["name", "code"], ["a", 1]])
    path = repacked(
        path, sheet1=lambda xml: xml.replace(b"</sheetData>", b" " * (4 << 20) + b"</sheetData>")
    )
    assert refusal(lying_about(path, "xl/worksheets/sheet1.xml", 500))


def test_workbook_with_too_many_shared_texts_is_refused(tmp_path):
    path = sharing_texts(workbook(tmp_path, [["name", "code"], ["a", 1]]))
    path = lying_about(path, "xl/sharedStrings.xml", 300 << 20)
    assert "npacked" in refusal(path)


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]>"
)


@pytest.mark.parametrize("member", ["sheet1", "sharedStrings", "workbook", "styles"])
def test_workbook_with_an_entity_bomb_is_refused(tmp_path, member):
    path = sharing_texts(workbook(tmp_path, [["name", "code"], ["a", 1]]))

    def with_bomb(xml):
        body = xml.partition(b"?>")[2] if xml.startswith(b"<?xml") else xml
        return BOMB + body.replace(b">", b">&j;", 1)

    assert refusal(repacked(path, **{member: with_bomb}))


# Damaged files.


def test_damaged_gzip_is_refused(tmp_path):
    packed = gzip.compress(written([HEADER, *ROWS * 500]).encode())
    assert "damaged" in refusal(file_of(tmp_path, packed[: len(packed) // 2]))
    broken = bytearray(packed)
    broken[len(broken) // 2] ^= 0xFF
    assert refusal(file_of(tmp_path, bytes(broken)))
    assert "damaged" in refusal(file_of(tmp_path, packed[:-4] + b"\0\0\0\0"))


def test_truncated_workbook_is_refused(tmp_path):
    content = workbook(tmp_path, [["name", "code"], ["a", 1]]).read_bytes()
    for part in (5, 30, len(content) // 2, len(content) - 5):
        assert refusal(file_of(tmp_path, content[:part]))


@pytest.mark.parametrize("member", ["sheet1", "sharedStrings", "workbook", "styles"])
def test_workbook_with_a_broken_member_is_refused(tmp_path, member):
    path = sharing_texts(workbook(tmp_path, [["name", "code"], ["a", 1]]))
    assert refusal(repacked(path, **{member: lambda xml: xml[: len(xml) // 2]}))


def test_workbook_with_damaged_compressed_data_is_refused(tmp_path):
    path = workbook(tmp_path, [["name", "code"], *([f"a{n}", n] for n in range(500))])
    with zipfile.ZipFile(path) as packed:
        info = packed.getinfo("xl/worksheets/sheet1.xml")
    content = bytearray(path.read_bytes())
    content[info.header_offset + 30 + len(info.filename) + info.compress_size // 2] ^= 0xFF
    assert refusal(file_of(tmp_path, bytes(content)))


def test_missing_file_is_refused(tmp_path):
    with pytest.raises((UnreadableFile, OSError)):
        detect_format(tmp_path / "none")


# Formats as JSON.


def test_format_round_trips_through_json(tmp_path):
    layout = FileFormat("text", "cp1252", ";", 3, "", True)
    assert FileFormat.from_json(layout.as_json()) == layout
    layout = FileFormat("xlsx", sheet="S1", header_row=0)
    assert FileFormat.from_json(layout.as_json()) == layout


@pytest.mark.parametrize(
    "wrong",
    [
        {"colour": "red"},
        {"kind": "pdf"},
        {"encoding": "klingon"},
        {"encoding": ["utf-8"]},
        {"delimiter": "x"},
        {"delimiter": None},
        {"header_row": -1},
        {"header_row": "1"},
        {"header_row": True},
        {"gzipped": "no"},
        {"sheet": 5},
    ],
    ids=str,
)
def test_format_with_wrong_values_is_refused(wrong):
    with pytest.raises(ValueError):
        FileFormat.from_json({**FileFormat("text", "utf-8", ",").as_json(), **wrong})


def test_format_of_another_kind_of_file_is_refused(tmp_path):
    path = workbook(tmp_path, [["name", "code"], ["a", 1]])
    assert refusal(path, FileFormat("text", "utf-8", ","))
    assert refusal(file_of(tmp_path, "name,code\na,1\n"), FileFormat("xlsx", sheet="S1"))
    assert refusal(
        file_of(tmp_path, "name,code\na,1\n"), FileFormat("text", "utf-8", ",", gzipped=True)
    )


# Random content.

ANY_RUN = runs(
    deadline=None,
    max_examples=examples(150),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TEXTISH = st.text(st.sampled_from("ab1,;\t|\"'\n\r \0\x1aé’"), max_size=200)


def takes(path, layout=None):
    """Read a file until its end or until it is refused; any other exception fails the test."""
    try:
        found = layout or detect_format(path)
        first_rows(path, found)
        table = open_table(path, found)
        width = len(table.columns)
        assert all(table.columns) and len(set(table.columns)) == width
        for row in table.rows():
            assert len(row.cells) == width
            assert all(type(cell) is str for cell in row.cells)
    except UnreadableFile as refused:
        assert str(refused)


@pytest.mark.slow
@ANY_RUN
@given(content=st.one_of(st.binary(max_size=300), TEXTISH.map(str.encode)))
@example(content=b"PK\x03\x04")
@example(content=b"\x1f\x8b")
@example(content=b"\xff\xfe\xff")
@example(content=b"\xff\xfe\x00\xd8,\x00")
@example(content=b'"')
def test_random_bytes_are_read_or_refused(tmp_path, content):
    takes(file_of(tmp_path, content))
    takes(file_of(tmp_path, gzip.compress(content)))


@ANY_RUN
@given(
    content=st.one_of(st.binary(max_size=200), TEXTISH.map(str.encode)),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252", "mac_roman"]),
    delimiter=st.sampled_from(DELIMITERS),
    header_row=st.integers(0, 3),
)
def test_random_bytes_in_any_format_are_read_or_refused(
    tmp_path, content, encoding, delimiter, header_row
):
    takes(file_of(tmp_path, content), FileFormat("text", encoding, delimiter, header_row))


@pytest.fixture(scope="module")
def sound_workbook(tmp_path_factory):
    """Return the bytes of a valid workbook."""
    day = dt.datetime(2024, 6, 19)
    folder = tmp_path_factory.mktemp("sound")
    return workbook(
        folder, [["name", "day", "n"], *(["a", day, n] for n in range(30))]
    ).read_bytes()


@pytest.mark.slow
@ANY_RUN
@given(flips=st.lists(st.tuples(st.floats(0, 0.9999), st.integers(1, 255)), min_size=1, max_size=4))
def test_workbook_with_random_bytes_changed_is_read_or_refused(tmp_path, sound_workbook, flips):
    content = bytearray(sound_workbook)
    for place, bits in flips:
        content[int(place * len(content))] ^= bits
    takes(file_of(tmp_path, bytes(content)))


@pytest.mark.slow
@ANY_RUN
@given(
    member=st.sampled_from(["sheet1", "sharedStrings", "styles", "workbook", "[Content_Types]"]),
    place=st.floats(0, 0.9999),
    junk=st.sampled_from([b"", b"x", b"<", b'"', b"9", b"-1", b"99999999", b"NaN", b"\0", b"\xff"]),
    cut=st.integers(0, 4),
)
def test_workbook_with_a_random_member_changed_is_read_or_refused(
    tmp_path, sound_workbook, member, place, junk, cut
):
    path = file_of(tmp_path, sound_workbook)

    def changed(xml):
        at = int(place * len(xml))
        return xml[:at] + junk + xml[at + cut :]

    takes(repacked(path, **{member: changed}))


@st.composite
def tables(draw):
    """Generate (encoding, width, rows) of a table whose characters exist in the encoding."""
    encoding = draw(st.sampled_from(list(ENCODINGS)))
    codec = "utf-8" if encoding.startswith("utf") else encoding
    letters = st.characters(codec=codec, exclude_categories=["Cs", "Cc"])
    # Without a leading apostrophe, which unescaping removes, or a leading byte order mark.
    cell = st.text(st.one_of(letters, st.sampled_from('\n\r\t,;|" ')), max_size=8)
    cell = cell.filter(lambda text: not text.startswith(("'", "\ufeff")))
    width = draw(st.integers(1, 5))
    row = st.lists(cell, min_size=width, max_size=width).filter(any)
    return encoding, width, draw(st.lists(row, max_size=6))


@pytest.mark.slow
@ANY_RUN
@given(
    table=tables(),
    delimiter=st.sampled_from(DELIMITERS),
    line_end=st.sampled_from(["\r\n", "\n", "\r"]),
    gzipped=st.booleans(),
)
def test_written_table_is_read_back(tmp_path, table, delimiter, line_end, gzipped):
    encoding, width, rows = table
    header = [f"c{n}" for n in range(width)]
    out = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if line_end == "\r" else csv.QUOTE_MINIMAL
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n", quoting=quoting)
    lines = []
    for row in [header, *rows]:
        out.seek(0)
        out.truncate()
        writer.writerow(row)
        lines.append(out.getvalue()[:-2] + line_end)
    content = ENCODINGS[encoding]("".join(lines))
    path = file_of(tmp_path, gzip.compress(content) if gzipped else content)
    layout = FileFormat("text", EXPECTED.get(encoding, encoding), delimiter, 1, gzipped=gzipped)
    assert open_table(path, layout).columns == header
    assert cells_of(path, layout) == rows


@pytest.mark.slow
@ANY_RUN
@given(
    texts=st.lists(
        st.lists(
            st.text(
                st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=8
            ),
            min_size=2,
            max_size=2,
        ),
        max_size=5,
    )
)
def test_written_workbook_is_read_back(tmp_path, texts):
    rows = [[f"x{cell}" for cell in row] for row in texts]
    path = workbook(tmp_path, [["c0", "c1"], *rows])
    assert cells_of(path, FileFormat("xlsx", sheet="S1")) == rows


def test_zlib_error_in_a_gzip_file_is_refused(tmp_path, monkeypatch):
    path = file_of(tmp_path, gzip.compress(b"name,code\na,1\n"))

    def broken(*_args, **_options):
        raise zlib.error("broken")

    monkeypatch.setattr(gzip.GzipFile, "read", broken)
    assert "damaged" in refusal(path)


# Published files.


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "delimiter", "number", "columns", "first"),
    [
        ("cow/alliance_v4.1_by_member.csv", ",", 1221, 23, "version4id"),
        ("cow/COW country codes.csv", ",", None, 3, "StateAbb"),
        ("cow/states2016.csv", ",", None, 10, "stateabb"),
        ("igo/CountrycodesOrgs.csv", None, 10643, None, None),
        ("countries/all.csv", ",", None, 11, "name"),
        ("un-votes/un_votes.csv.gz", ",", 870109, 4, "rcid"),
    ],
)
def test_published_file(shared, name, delimiter, number, columns, first):
    path = shared / "data" / name
    layout = detect_format(path)
    assert layout.kind == "text" and layout.header_row == 1
    assert layout.gzipped == name.endswith(".gz")
    opened = (gzip.open if layout.gzipped else open)(path, "rb")
    with opened as file:
        raw = file.read()
    with io.StringIO(raw.decode(layout.encoding), newline="") as text:
        expected = list(csv.reader(text, delimiter=layout.delimiter))
    table = open_table(path, layout)
    assert delimiter in (None, layout.delimiter)
    assert first in (None, table.columns[0])
    assert columns in (None, len(table.columns))
    count = sum(1 for row in table.rows() if not row.problem)
    assert count == len([row for row in expected[1:] if any(row)])
    assert number in (None, count)


def test_row_wider_than_the_limit_is_refused_at_once(tmp_path, settings):
    """Otherwise a workbook reader builds every cell before the only one of each such row."""
    settings.IMPORT_MAX_COLUMNS = 20
    book = openpyxl.Workbook()
    book.active.append(["name", "kind"])
    book.active["ZZZ2"] = "far away"
    book.save(tmp_path / "wide.xlsx")
    with pytest.raises(UnreadableFile, match="Row 2 has more than 20 columns"):
        list(open_table(tmp_path / "wide.xlsx").rows())
