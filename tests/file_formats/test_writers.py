"""Escaped cells are not run as formulas, and are restored when read."""

import csv
import io
import zipfile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from allies.file_formats import (
    Archive,
    DecompressedTooLarge,
    csv_lines,
    escape_formula,
    unescape_formula,
)


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "\uff1d1", "'=1", "''@"]
)
def test_escape_prevents_every_formula(cell):
    assert escape_formula(cell).startswith("'")
    assert unescape_formula(escape_formula(cell)) == cell


@given(st.text())
def test_unescape_reverses_escape(cell):
    assert unescape_formula(escape_formula(cell)) == cell
    assert not escape_formula(cell).startswith(
        ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff20")
    )


@given(st.sampled_from(["=1", "\n=1", "\uff0b1", "'\n", "a,\n=1"]), st.sampled_from(["", "b", '"']))
def test_every_cell_in_a_file_is_escaped_like_a_single_cell(cell, other):
    for cells in ([cell, other], [other, cell]):
        text = "".join(csv_lines(["a", "b"], [cells]))
        assert list(csv.reader(io.StringIO(text, newline="")))[1] == [
            escape_formula(c) for c in cells
        ]


@example(["a\rb", "\r", "\n", "\r\n"])
@given(
    st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), min_size=2, max_size=4)
)
def test_csv_lines_read_back_as_written(cells):
    text = "".join(csv_lines([f"c{n}" for n in range(len(cells))], [cells]))
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert [unescape_formula(cell) for cell in rows[1]] == cells


def test_stored_member_may_be_longer_than_the_central_directory(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("large", b"x" * (3 << 20))
    with Archive(tmp_path / "a.zip", most=None) as opened:
        assert len(opened.read("large", 4 << 20)) == 3 << 20
        with pytest.raises(DecompressedTooLarge, match="large in the archive is larger than 2 MB"):
            opened.read("large", 2 << 20)
