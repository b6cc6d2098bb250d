"""Tables in any format are read; other files are refused with a reason."""

import contextlib
import csv
import gzip
import io
import zipfile

import openpyxl
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from allies.imports.tables import (
    FileFormat,
    UnreadableFile,
    detect_format,
    first_rows,
    open_table,
    sheet_names_of,
)
from tests.hypothesis_profiles import examples

NAMES = ["Côte d’Ivoire", "Türkiye", "São Tomé", "Curaçao", "Réunion", "Åland"]
HEADER = ["name", "code", "since"]


def table_text(delimiter, end, names=NAMES):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end)
    writer.writerow(HEADER)
    writer.writerows([name, f"C{n}", f"19{n + 50}-01-02"] for n, name in enumerate(names))
    return out.getvalue()


def rows_of(path, layout=None):
    return [row.cells for row in open_table(path, layout).rows()]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "mac_roman"]
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("packed", [False, True])
def test_text_is_read_in_any_format(encoding, delimiter, end, packed, tmp_path):
    content = table_text(delimiter, end).encode(encoding)
    path = tmp_path / "table"
    path.write_bytes(gzip.compress(content) if packed else content)
    table = open_table(path)
    assert table.columns == HEADER
    assert [row.cells[0] for row in table.rows()] == NAMES
    assert table.layout.delimiter == delimiter
    assert table.layout.gzipped == packed


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman"])
def test_one_name_is_enough_to_detect_the_encoding(name, encoding, tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(f"name,code\n{name},X\n".encode(encoding))
    assert rows_of(path) == [[name, "X"]]


def test_non_ascii_letters_late_in_the_file_decide_the_encoding(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(b"name,code\n" + b"plain,x\n" * 20_000 + "Réunion,y\n".encode("mac_roman"))
    assert rows_of(path)[-1] == ["Réunion", "y"]


@pytest.mark.parametrize(
    ("text", "columns", "rows"),
    [
        ("Report of 2024\n\na,b,c\n1,2,3\n4,5,6\n", ["a", "b", "c"], 2),
        ("Title\nAs of May,\na,b,c\nx,y,z\nx,y,w\n", ["a", "b", "c"], 2),
        (
            "1,2020-01-01,x\n2,2020-01-02,y\n3,2020-01-03,z\n",
            ["Column A", "Column B", "Column C"],
            3,
        ),
        ("RUS,host\nCHN,host\nIND,host\n", ["Column A", "Column B"], 3),
        ("a,,a,a\n1,2,3,4\n", ["a", "Column B", "a (2)", "a (3)"], 1),
        (" a ,\tb\n1,2\n", ["a", "b"], 1),
        ("country,2019,2020\nRUS,1,2\nCHN,3,4\n", ["country", "2019", "2020"], 2),
        ("name\nRUS\nCHN\n", ["name"], 2),
        ("a,b\n", ["a", "b"], 0),
    ],
)
def test_header_is_detected(text, columns, rows, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(text)
    table = open_table(path)
    assert table.columns == columns
    assert len(list(table.rows())) == rows


def test_rows_keep_the_numbers_of_a_spreadsheet(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text('Title\n\na,b\n1,"two\nlines"\n\n3,4\n')
    assert [(row.number, row.cells) for row in open_table(path).rows()] == [
        (4, ["1", "two\nlines"]),
        (6, ["3", "4"]),
    ]
    assert first_rows(path, open_table(path).layout, 3) == [["Title"], [], ["a", "b"]]


def test_rows_of_other_widths_are_padded_or_reported(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b,c\n1,2,3\n1\n1,2,3,,\n1,2,3,4\n5,6,7\n")
    rows = list(open_table(path).rows())
    assert [row.cells for row in rows[:3]] == [["1", "2", "3"], ["1", "", ""], ["1", "2", "3"]]
    assert [bool(row.problem) for row in rows] == [False, False, False, True, False]
    assert "4 cells" in rows[3].problem


def test_ctrl_z_at_the_end_is_dropped(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(b"a,b\n1,2\n\x1a")
    assert rows_of(path) == [["1", "2"]]
    path.write_bytes(b"a,b\n1,2\x1a")
    assert rows_of(path) == [["1", "2"]]


def test_escaped_cells_are_unescaped(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n'=1+1,''=x\n'plain,'\n")
    assert rows_of(path) == [["=1+1", "'=x"], ["'plain", "'"]]


def workbook(path, *rows, **sheets_):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for name, rows_ in sheets_.items():
        sheet = book.create_sheet(name)
        for row in rows_:
            sheet.append(row)
    book.save(path)
    return path


class TestWorkbooks:
    def test_cells_are_text_as_an_editor_would_type_them(self, tmp_path):
        import datetime as dt

        path = workbook(
            tmp_path / "any-name",
            ["text", "number", "day", "time", "flag", "none"],
            ["004", 4.0, dt.datetime(2024, 6, 19), dt.datetime(2024, 6, 19, 8, 30), True, None],
            ["=x", 0.5, None, None, False, "z"],
        )
        assert rows_of(path)[0] == ["004", "4", "2024-06-19", "2024-06-19 08:30:00", "yes", ""]
        assert rows_of(path)[1][1:] == ["0.5", "", "", "no", "z"]

    def test_first_sheet_with_cells_is_read_and_another_can_be_chosen(self, tmp_path):
        path = workbook(tmp_path / "w.xlsx", first=[["a"], ["1"]], second=[["b"], ["2"]])
        assert sheet_names_of(path) == ["Sheet", "first", "second"]
        assert open_table(path).columns == ["a"]
        layout = FileFormat("xlsx", sheet="second")
        assert rows_of(path, layout) == [["2"]]
        with pytest.raises(UnreadableFile, match="no sheet"):
            open_table(path, FileFormat("xlsx", sheet="third"))

    def test_preamble_is_skipped(self, tmp_path):
        path = workbook(tmp_path / "w.xlsx", ["Report"], [], ["a", "b"], ["1", "2"])
        assert open_table(path).columns == ["a", "b"]


def bomb(path, member="xl/worksheets/sheet1.xml", size=300 << 20):
    """Write a small workbook that decompresses to ``size`` bytes more."""
    workbook(path, ["a"], ["1"])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        with archive.open(f"{member}.more", "w", force_zip64=True) as file:
            for _block in range(size >> 20):
                file.write(b" " * (1 << 20))
    return path


class TestRefusals:
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "empty"),
            (b"\n\n\n", "empty"),
            (b"\x89PNG\r\n\x1a\n" + b"\0" * 20, "PNG"),
            (b"\xff\xd8\xff\xe0abc", "JPEG"),
            (b"GIF89a", "GIF"),
            (b"%PDF-1.7\n", "PDF"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 40, "XLS"),
            (b"PK\x03\x04 no workbook", "damaged"),
            (b"\x1f\x8b\x08 no gzip", "damaged"),
            (gzip.compress(b"a,b\n1,2\n" * 100, mtime=0)[:-20], "damaged"),
            (gzip.compress(b"\x89PNG\r\n\x1a\n", mtime=0), "PNG"),
            (b"a,b\n1,\0\0\0\n", "NUL"),
            (b'a,b\n1,"never closed\n2,3\n', "Row 2"),
        ],
    )
    def test_other_file_is_refused_with_its_type(self, content, said, tmp_path):
        path = tmp_path / "table.csv"
        path.write_bytes(content)
        with pytest.raises(UnreadableFile, match=said):
            rows_of(path)

    def test_zip_without_a_workbook_is_refused(self, tmp_path):
        path = tmp_path / "table.csv"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.csv", "a,b\n1,2\n")
        with pytest.raises(UnreadableFile, match="ZIP"):
            rows_of(path)

    @pytest.mark.parametrize(
        ("name", "limit", "text", "said"),
        [
            ("IMPORT_MAX_BYTES", 5, "a,b\n1,2\n", "the limit is"),
            ("IMPORT_MAX_ROWS", 2, "a,b\n1,2\n3,4\n5,6\n", "more than 2 rows"),
            ("IMPORT_MAX_COLUMNS", 2, "a,b,c\n1,2,3\n", "3 columns"),
            ("IMPORT_MAX_CELL_LENGTH", 4, "a,b\n1,12345\n", "more than 4 characters"),
        ],
    )
    def test_limit_is_enforced(self, name, limit, text, said, settings, tmp_path):
        path = tmp_path / "table.csv"
        path.write_text(text)
        setattr(settings, name, limit)
        with pytest.raises(UnreadableFile, match=said):
            rows_of(path)

    def test_gzip_that_decompresses_past_the_limit_is_refused(self, settings, tmp_path):
        settings.IMPORT_MAX_UNCOMPRESSED_BYTES = 1 << 20
        path = tmp_path / "table.csv.gz"
        path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 1_000_000))
        with pytest.raises(UnreadableFile, match="The unpacked file"):
            rows_of(path)

    @pytest.mark.slow
    def test_workbook_that_decompresses_past_the_limit_is_refused(self, settings, tmp_path):
        settings.IMPORT_MAX_UNCOMPRESSED_BYTES = 200 << 20
        with pytest.raises(UnreadableFile, match="The unpacked file"):
            rows_of(bomb(tmp_path / "w.xlsx"))

    @pytest.mark.slow
    def test_workbook_with_too_large_shared_texts_is_refused(self, tmp_path):
        with pytest.raises(UnreadableFile, match="The unpacked file"):
            rows_of(bomb(tmp_path / "w.xlsx", member="xl/sharedStrings.xml", size=150 << 20))

    def test_entity_bomb_is_refused(self, tmp_path):
        path = workbook(tmp_path / "plain.xlsx", ["a"], ["1"])
        lol = '<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">' + "".join(
            f'<!ENTITY {new} "{("&" + old + ";") * 10}">'
            for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        )
        evil = tmp_path / "evil.xlsx"
        with zipfile.ZipFile(path) as source, zipfile.ZipFile(evil, "w") as target:
            for member in source.infolist():
                content = source.read(member)
                if member.filename.endswith("sheet1.xml"):
                    content = f'<?xml version="1.0"?>{lol}]><worksheet>&i;</worksheet>'.encode()
                target.writestr(member.filename, content)
        with pytest.raises(UnreadableFile, match="damaged"):
            rows_of(evil)


@pytest.mark.slow
@given(content=st.binary(max_size=400))
@given_settings(
    max_examples=examples(400),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_random_bytes_are_read_or_refused(content, tmp_path):
    path = tmp_path / "any"
    path.write_bytes(content)
    try:
        table = open_table(path)
        width = len(table.columns)
        assert all(len(row.cells) == width for row in table.rows())
        assert len(set(table.columns)) == width
        first_rows(path, table.layout)
    except UnreadableFile:
        pass


@pytest.mark.slow
@given(
    content=st.binary(max_size=300),
    start=st.sampled_from(
        [b"PK\x03\x04", b"\x1f\x8b\x08", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"]
    ),
)
# A NUL in a text with two possible delimiters.
@example(start=b"\xff\xfe", content="a;b,\0c\n".encode("utf-16-le"))
@example(start=b"\xef\xbb\xbf", content=b"a;b,\0c\n")
@given_settings(
    max_examples=examples(200),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_random_bytes_after_a_known_signature_are_read_or_refused(content, start, tmp_path):
    path = tmp_path / "any"
    path.write_bytes(start + content)
    with contextlib.suppress(UnreadableFile):
        list(open_table(path).rows())


#: Cells as people write them: no control characters, lone surrogates or escaped formulas.
CELLS = st.text(
    st.characters(
        exclude_categories=["Cs", "Cc"], include_characters="\n\t", exclude_characters="'\ufeff"
    ),
    max_size=12,
)


@pytest.mark.slow
@given(
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=4), min_size=1, max_size=8),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    end=st.sampled_from(["\n", "\r\n"]),
)
@given_settings(
    max_examples=examples(200),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_quoted_csv_is_read_back(rows, delimiter, encoding, end, tmp_path):
    path = tmp_path / "table.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(
            [["h1", "h2", "h3", "h4"], *rows]
        )
    read = rows_of(path, FileFormat("text", encoding, delimiter, 1))
    expected = [row + [""] * (4 - len(row)) for row in rows if any(row)]
    assert read == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "columns", "rows"),
    [
        ("cow/alliance_v4.1_by_member.csv", 23, 1221),
        ("cow/COW country codes.csv", 3, 242),
        ("cow/states2016.csv", 10, 243),
        ("igo/CountrycodesOrgs.csv", 7, 10643),
        ("countries/all.csv", 11, 249),
        ("countries/country-codes.csv", 56, 249),
        ("un-votes/un_roll_calls.csv", 9, 6203),
        ("un-votes/un_votes.csv.gz", 4, 870109),
    ],
)
def test_published_file_is_read(name, columns, rows, shared):
    table = open_table(shared / "data" / name)
    assert len(table.columns) == columns
    assert sum(1 for row in table.rows() if not row.problem) == rows


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "ods"},
        {"kind": "text", "encoding": "klingon", "delimiter": ","},
        {"kind": "text", "encoding": "utf-8", "delimiter": "x"},
        {"kind": "xlsx", "header_row": -1},
        {"kind": "xlsx", "colour": "red"},
    ],
)
def test_invalid_format_is_refused(data):
    with pytest.raises(ValueError, match="layout"):
        FileFormat.from_json(data)


def test_format_round_trips_through_json(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a;b\n1;2\n")
    layout = detect_format(path)
    assert FileFormat.from_json(layout.as_json()) == layout
