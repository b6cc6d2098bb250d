"""A file that was exported and edited in LibreOffice changes only the edited cell when imported."""

import shutil
import subprocess

import pytest

from allies.imports.own_csv import read_csv
from allies.imports.plan import Outcome, Plan
from allies.imports.plan_builder import make_plan
from allies.imports.resources import RESOURCES
from allies.models import Country, Event
from tests import factories
from tests.conftest import skip_or_fail_missing

pytestmark = [pytest.mark.sqlite_only, pytest.mark.usefixtures("demo_data")]

#: UTF-8, commas, quotes where needed, cells as displayed.
AS_CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false"


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """Return a function that converts files by opening and saving them in LibreOffice."""
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        skip_or_fail_missing("LibreOffice")
    profile = tmp_path_factory.mktemp("profile")

    def convert(files, form, folder):
        folder.mkdir()
        is_text = files[0].suffix == ".csv"
        reading = "--infilter=Text - txt - csv (StarCalc):44,34,76,1" if is_text else ""
        subprocess.run(
            [
                program,
                f"-env:UserInstallation=file://{profile}",
                "--headless",
                *([reading] if reading else []),
                *("--convert-to", form, "--outdir", folder, *files),
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )
        return [folder / f"{file.stem}.{form.split(':')[0]}" for file in files]

    return convert


def export(noun, form, folder):
    from allies.exports.record_type import export_records

    file = folder / f"{noun}.{form}"
    file.write_bytes(b"".join(export_records(noun, form)))
    return file


def changes(noun, file, folder):
    """Return the cells a file would change, as {record: {column: [old, new]}}."""
    rows = read_csv(file, RESOURCES[noun]().columns)
    with Plan(folder / "plan", keep_rows=True) as plan:
        (report,) = make_plan(plan, [(noun, rows)])
        assert report.errors == []
        assert report.created == 0
        return {row.record: row.detail for row in plan.outcomes(Outcome.CHANGED)}


def edited(file, before, after):
    """Replace a word in a sheet that LibreOffice has written."""
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after), encoding="utf-8")
    return file


@pytest.mark.slow
@pytest.mark.parametrize("saved_as", [AS_CSV, "xlsx"])
@pytest.mark.parametrize("exported_as", ["csv", "xlsx"])
def test_only_the_edited_cell_is_a_change(exported_as, saved_as, office, tmp_path):
    event = factories.event(
        ("RUS", "host"), title_en="Before the edit", place_en="=1+1", date="2024-05"
    )
    alliance = factories.alliance(
        "RUS", "CHN", title_en="=SUM(A1)", signed="1990-01-02", ended="../2001"
    )
    factories.cite(
        alliance, locator="p. 4", quote="One line,\nanother; “quoted”", verified_on="2024-01-31"
    )
    Country.objects.filter(alpha3="AFG").update(m49="004")
    exported = tmp_path / "exported"
    exported.mkdir()
    sheets = office(
        [export(noun, exported_as, exported) for noun in RESOURCES], "fods", tmp_path / "a"
    )
    edited(sheets[list(RESOURCES).index("events")], "Before the edit", "After the edit")
    edit = {str(event): {"title_en": ["Before the edit", "After the edit"]}}
    for noun, file in zip(RESOURCES, office(sheets, saved_as, tmp_path / "b"), strict=True):
        assert changes(noun, file, tmp_path) == (edit if noun == "events" else {}), noun
    assert Event.objects.get(pk=event.pk).title_en == "Before the edit"
