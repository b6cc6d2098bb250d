"""Exports can be imported again, and exported with the same bytes, for every record type."""

import csv
import io

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from allies.exports.record_type import export_records
from allies.imports.resources import RESOURCES
from allies.models import Alias, Alliance, Event, Source
from tests import factories
from tests.hypothesis_profiles import examples
from tests.imports.files import export, load, write


def everything():
    return {noun: export(noun) for noun in RESOURCES}


@pytest.mark.usefixtures("demo_data")
@pytest.mark.slow
def test_export_into_an_empty_site_exports_the_same_bytes(tmp_path, request):
    Alliance.objects.filter(kind="defence-pact").update(
        summary_en='=HYPERLINK("x")\r\nand "quotes", commas\tand\ttabs', summary_ind="'=1"
    )
    Event.objects.filter(slug="unga-es-11-1").update(
        place_en="-1", place_ind="@home", status="draft"
    )
    Alias.objects.filter(name="Tiongkok").update(name="Tiong-kok, 中國 “x”")
    factories.source(
        derived_from=factories.source(derived_from=Source.objects.get(key="dw-2024-en"))
    )
    before = everything()
    request.getfixturevalue("empty_database")
    assert not any(text.count("\n") > 1 for text in everything().values())
    for noun, text in before.items():
        file = tmp_path / f"{noun}.csv"
        file.write_bytes(text.encode())
        report = load(noun, file)
        assert report.ok, report.errors
        assert report.created == report.rows
    assert everything() == before


@pytest.mark.usefixtures("demo_data")
@pytest.mark.parametrize("noun", RESOURCES)
def test_import_of_an_export_changes_nothing(noun, tmp_path):
    file = tmp_path / "same.csv"
    file.write_bytes(export(noun).encode())
    history = RESOURCES[noun]._meta.model.history.count()
    report = load(noun, file)
    assert (report.created, report.updated, report.refused) == (0, 0, 0)
    assert report.unchanged == report.rows > 0
    assert RESOURCES[noun]._meta.model.history.count() == history


@pytest.mark.usefixtures("demo_data")
def test_exported_cells_are_not_formulas():
    for cell in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"):
        Alliance.objects.update(summary_en=cell)
        rows = list(csv.DictReader(io.StringIO(export("alliances"), newline="")))
        assert {row["summary_en"] for row in rows} == {f"'{cell}"}


@pytest.mark.usefixtures("demo_data")
def test_only_edited_cells_change(tmp_path):
    rows = list(csv.DictReader(io.StringIO(export("events"), newline="")))
    rows[3]["title_en"] = "Another title"
    report = load("events", write(tmp_path / "edited.csv", rows))
    assert (report.updated, report.unchanged) == (1, len(rows) - 1)
    changed = Event.objects.get(slug=rows[3]["slug"])
    assert changed.title_en == "Another title"
    newest, before = changed.history.all()[:2]
    assert set(newest.diff_against(before).changed_fields) == {"title_en"}


@pytest.mark.usefixtures("demo_data")
def test_columns_missing_in_the_file_keep_their_values(tmp_path):
    rows = [{"key": "dw-2024-en", "author": "H.-L. Allik"}]
    assert load("sources", write(tmp_path / "some.csv", rows)).updated == 1
    source = Source.objects.get(key="dw-2024-en")
    assert (source.author, source.publisher) == ("H.-L. Allik", "DW")


#: Texts as people type them, without control characters and lone surrogates. Only PROSE may have
#: line breaks and tabs.
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)
PROSE = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\r\t"), max_size=80
)


@pytest.mark.slow
@pytest.mark.usefixtures("demo_data")
@pytest.mark.parametrize("form", ["csv", "xlsx"])
@given(title=WORDS.filter(str.strip), place=WORDS, summary=PROSE)
@given_settings(
    max_examples=examples(60),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_text_is_exported_and_imported_unchanged(form, title, place, summary, tmp_path):
    Event.objects.filter(slug="any").delete()
    Event.objects.create(
        slug="any", kind="visit", date="2024", title_en=title, place_en=place, summary_en=summary
    )
    file = tmp_path / f"events.{form}"
    file.write_bytes(b"".join(export_records("events", form)))
    report = load("events", file, commit=False)
    assert [str(error) for error in report.errors] == []
    assert (report.created, report.updated) == (0, 0)
