"""Malicious files are refused with the name of the limit, using little memory."""

import os
import re
from pathlib import Path

import pytest

from allies.imports.tables import SandboxedTable, UnreadableFile, open_table, read_sample
from allies.imports.tables.sandboxed import _reader_process
from tests.decompression_bombs import BOMBS, in_sheet, in_texts
from tests.imports.files import write
from tests.live_site import wait_for


def refusal(path):
    """Return why a file is refused when it is read like an upload."""
    with pytest.raises(UnreadableFile) as refused:
        for _row in SandboxedTable(path, read_sample(path)).rows():
            pass
    return str(refused.value)


@pytest.mark.slow
@pytest.mark.parametrize("bomb", BOMBS)
def test_bomb_is_refused_before_it_fills_the_memory(bomb, tmp_path, settings):
    settings.IMPORT_READER_MAX_BYTES = 300 << 20  # address space; Python itself needs 100 MB
    make, said = BOMBS[bomb]
    assert re.search(said, refusal(make(tmp_path / "file")))


def test_sandboxed_rows_equal_the_rows_of_the_table(tmp_path):
    path = in_sheet(('<row><c t="str"><v>x</v></c></row>', 1_200))(tmp_path / "file")
    limited = SandboxedTable(path, read_sample(path))
    table = open_table(path)
    assert (limited.columns, limited.layout) == (table.columns, table.layout)
    assert list(limited.rows()) == list(table.rows())
    assert len(list(limited.rows())) == 1_201


def test_file_that_needs_too_much_memory_is_refused(tmp_path, settings):
    settings.IMPORT_READER_MAX_BYTES = 60 << 20
    path = in_texts(*((f"<si><t>{n:01000d}</t></si>", 1) for n in range(60_000)))(tmp_path / "file")
    assert "more than 60 MB of memory" in refusal(path)


@pytest.mark.slow
def test_file_that_needs_too_much_time_is_refused(tmp_path, settings):
    settings.IMPORT_READER_SECONDS = 1
    settings.IMPORT_MAX_ROWS = 20_000_000
    path = tmp_path / "file"
    path.write_text("country,name\n" + "RUS,Rusija\n" * 6_000_000)
    assert "more than 1 seconds" in refusal(path)


def test_refusal_is_in_the_language_of_the_uploader(tmp_path):
    from django.utils import translation

    path = in_sheet(('<row r="900000000"/>', 1))(tmp_path / "file")
    with translation.override("id"):
        assert "Lembar" in refusal(path)


@pytest.mark.slow
def test_reader_process_has_no_secrets_and_ends_when_reading_ends(tmp_path, monkeypatch):
    monkeypatch.setenv("ALLIES_SECRET_KEY", "nobody is to know")
    path = write(tmp_path / "a.csv", [{"country": "RUS", "name": "x" * 90_000}] * 2_000)
    sample = read_sample(path)
    with _reader_process("rows", path, sample.layout) as process:
        # Empty for a moment, until the new program has started.
        environment = wait_for(Path(f"/proc/{process.pid}/environ").read_bytes)
        assert b"PATH=" in environment
        assert b"nobody is to know" not in environment
        assert b"DATABASE_URL" not in environment
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    others = set(children.read_text().split())  # of earlier tests
    rows = SandboxedTable(path, sample).rows()
    next(rows)
    (child,) = set(children.read_text().split()) - others
    rows.close()
    assert not Path(f"/proc/{child}").exists()


def test_failure_of_the_reader_is_not_reported_as_a_bad_file(tmp_path, settings):
    settings.IMPORT_MAX_CELL_LENGTH = None
    with pytest.raises(RuntimeError, match="Traceback"):
        read_sample(write(tmp_path / "a.csv", [{"country": "RUS", "name": "x"}]))


def test_valid_parts_other_than_the_table_are_ignored(tmp_path):
    merged = ("<mergeCells>", 1), ('<mergeCell ref="A5:B6"/>', 60_000), ("</mergeCells>", 1)
    path = in_sheet(("<row/>", 50_000), after=merged)(tmp_path / "file")
    assert [list(row.cells) for row in open_table(path).rows()] == [["RUS", "Rusija"]]


@pytest.mark.slow
def test_large_workbook_of_equal_cells_is_accepted(tmp_path):
    """No real table compresses better, because each cell names its place."""
    rows = (
        "".join(f'<c r="{letter}{n}" t="str"><v>0</v></c>' for letter in "ABCDEFGHIJKLMNOPQRST")
        for n in range(3, 10_000)
    )
    path = in_sheet(*((f"<row>{row}</row>", 1) for row in rows))(tmp_path / "file")
    assert sum(1 for _row in open_table(path).rows()) == 9_999  # no header is as wide as these
