"""Export the whole site as one data package and import it: the same bytes, or a refusal."""

import csv
import io
import json
import re
import tracemalloc
import zipfile
from datetime import UTC, datetime
from hashlib import sha256

import frictionless
import openpyxl
import pytest
from django.core.management import CommandError, call_command
from django.utils.translation import override

from allies.actions.merge import merge_records
from allies.datapackage import Field, PackageDescription, Table, package_blocks
from allies.exports.record_type import FORMATS, export_csv, export_file_name, export_records
from allies.exports.site_package import OLD_SLUGS
from allies.file_formats import SheetTooLarge, csv_lines, unescape_formula, xlsx, xlsx_blocks
from allies.imports.resources import RESOURCES
from allies.models import Alliance, Country, Event, OldSlug, Participation, Source
from tests import factories
from tests.decompression_bombs import packed_members, with_lzma, with_members, with_overlaps
from tests.imports.files import command, export

pytestmark = pytest.mark.usefixtures("demo_data")

NASTY = '=HYPERLINK("x")\r\nand "quotes", commas\tand\rtabs'


@pytest.fixture
def package(tmp_path):
    """Write the package of a site with drafts, problematic texts and old slugs; return its path."""
    Alliance.objects.filter(kind="defence-pact").update(summary_en=NASTY, summary_ind="'=1")
    Event.objects.filter(slug="unga-es-11-1").update(place_en="-1", status="draft")
    factories.source(
        derived_from=factories.source(derived_from=Source.objects.get(key="dw-2024-en"))
    )
    renamed = ((Event, "an-old-one"), (Country, "rusland"), (Event, "older"), (Source, "merged"))
    for model, old in renamed:
        OldSlug.objects.remember(model, [(old, model.objects.order_by("pk").first().pk)])
    OldSlug.objects.remember(Event, [("of-nobody", 10**9)])
    path = tmp_path / "all.zip"
    command("export_package", str(path))
    return path


def files(path):
    """Return the files of an archive: name → bytes."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path, content):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def everything():
    return {noun: export(noun) for noun in RESOURCES}


def test_package_imported_into_an_empty_site_gives_the_same_package(package, tmp_path, request):
    before, again = everything(), tmp_path / "again.zip"
    request.getfixturevalue("empty_database")
    OldSlug.objects.all().delete()
    said = command("import_package", str(package), commit=True)
    assert "old addresses: 4 new" in said
    assert everything() == before
    command("export_package", str(again))
    assert again.read_bytes() == package.read_bytes()


@pytest.mark.slow
def test_texts_of_a_package_may_cite_a_merged_source(tmp_path, reviewer, request, client):
    keep, drop = factories.source(key="kept-source"), factories.source(key="merged-source")
    meeting = factories.event(("RUS", "host"), summary_en="They met [@merged-source].")
    merge_records(keep=keep, drop=drop, chosen={}, user=reviewer)
    path = tmp_path / "all.zip"
    command("export_package", str(path))
    request.getfixturevalue("empty_database")
    OldSlug.objects.all().delete()
    command("import_package", str(path))
    command("import_package", str(path), commit=True)
    page = client.get(meeting.get_absolute_url()).content.decode()
    assert keep.get_absolute_url() in page.partition('id="note-1"')[2]


def test_package_imported_into_its_own_site_changes_nothing(package):
    said = command("import_package", str(package), commit=True)
    counts = re.findall(r"(\d+) new, (\d+) changed", said)
    assert counts == [("0", "0")] * len(RESOURCES)
    assert "old addresses: 0 new" in said


def test_package_without_commit_writes_nothing(package, request):
    request.getfixturevalue("empty_database")
    said = command("import_package", str(package))
    assert "Nothing was changed." in said
    assert not Country.objects.exists()


def test_frictionless_validates_the_package(package, tmp_path):
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(package) as archive:
        archive.extractall(folder)
    for report in (
        frictionless.validate(str(folder / "datapackage.json")),
        frictionless.Package(str(package)).validate(),
    ):
        assert report.valid, report.flatten(["name", "rowNumber", "fieldName", "note"])
        assert len(report.tasks) == len(RESOURCES) + 1


def test_package_contains_the_output_of_export_csv(package):
    content = files(package)
    for noun in RESOURCES:
        assert content[f"data/{noun}.csv"].decode() == export(noun)
    assert content[f"data/{OLD_SLUGS}.csv"].decode().splitlines()[0] == "noun,slug,record"
    assert list(content)[-1] == "datapackage.json"


def test_description_matches_the_content(package, settings):
    content = files(package)
    described = json.loads(content["datapackage.json"])
    newest = max(
        resource._meta.model.objects.latest("updated_at").updated_at
        for resource in RESOURCES.values()
        if resource._meta.model.history.exists()
    )
    assert datetime.fromisoformat(described["created"]) == newest
    day = newest.astimezone(UTC).date().isoformat()
    assert re.fullmatch(rf"{day}-[0-9a-f]{{12}}", described["version"])
    assert described["licenses"][0]["name"] == settings.DATA_LICENCE
    for resource in described["resources"]:
        data = content[resource["path"]]
        assert resource["hash"] == f"sha256:{sha256(data).hexdigest()}"
        assert resource["bytes"] == len(data)
        rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
        assert resource["rows"] == len(rows) - 1
        assert rows[0] == [field["name"] for field in resource["schema"]["fields"]]
    schemas = {resource["name"]: resource["schema"] for resource in described["resources"]}
    assert schemas["participations"]["primaryKey"] == ["event", "country", "role"]
    assert "primaryKey" not in schemas["memberships"]
    assert schemas["sources"]["foreignKeys"][0]["reference"] == {"resource": "", "fields": ["key"]}
    types = {field["name"]: field["type"] for field in schemas["memberships"]["fields"]}
    assert (types["joined"], types["defence"]) == ("string", "boolean")


def test_every_column_is_explained_in_both_languages(package):
    content = files(package)
    described = json.loads(content["datapackage.json"])
    dictionary = content["data-dictionary.md"].decode()
    english, indonesian = dictionary.split("\n---\n")
    for resource in described["resources"]:
        for field in resource["schema"]["fields"]:
            assert set(field["titles"]) == {"en", "id"}
            assert f"| `{field['name']}` | {field['titles']['en']} |" in english
            assert f"| `{field['name']}` | {field['titles']['id']} |" in indonesian
    titles = {resource["name"]: resource["titles"] for resource in described["resources"]}
    assert titles["countries"] == {"en": "countries", "id": "negara"}
    assert "apostrophe" in english
    assert "CC-BY-4.0" in content["README.md"].decode()


def test_unknown_licence_is_named(tmp_path, settings):
    settings.DATA_LICENCE = "Our-Own-1"
    command("export_package", str(tmp_path / "p.zip"))
    content = files(tmp_path / "p.zip")
    assert json.loads(content["datapackage.json"])["licenses"] == [{"name": "Our-Own-1"}]


def test_existing_file_is_overwritten_only_on_request(package):
    before = package.read_bytes()
    with pytest.raises(CommandError, match="overwrite"):
        command("export_package", str(package))
    Alliance.objects.update(summary_en="Another")
    command("export_package", str(package), overwrite=True)
    assert package.read_bytes() != before
    assert [path.name for path in package.parent.iterdir()] == [package.name]


def test_failed_export_leaves_no_file(tmp_path, monkeypatch):
    def fail(*args):
        raise RuntimeError

    monkeypatch.setattr("allies.datapackage.write.build_datapackage", fail)
    with pytest.raises(RuntimeError):
        command("export_package", str(tmp_path / "p.zip"))
    assert not list(tmp_path.iterdir())


# Refusals.


def changed_csv(content):
    data = content["data/events.csv"]
    content["data/events.csv"] = data.replace(b"visit", b"other", 1)
    return "data/events.csv"


def longer_csv(content):
    content["data/events.csv"] += b"\n"
    return "data/events.csv"


def without_csv(content):
    del content["data/events.csv"]
    return "data/events.csv"


def without_description(content):
    del content["datapackage.json"]
    return "datapackage.json"


def broken_description(content):
    content["datapackage.json"] = b'{"resources": [{}]}'
    return "datapackage.json"


def no_json(content):
    content["datapackage.json"] = b"\xff{"
    return "datapackage.json"


def another_day(content):
    text = content["datapackage.json"].decode()
    content["datapackage.json"] = re.sub(r'"created": "\d{4}', '"created": "1999', text).encode()
    return "datapackage.json"


def another_hash(content):
    digest = sha256(changed_csv(content).encode())
    text = content["datapackage.json"].decode()
    events = next(r for r in json.loads(text)["resources"] if r["name"] == "events")
    content["datapackage.json"] = text.replace(
        events["hash"], f"sha256:{digest.hexdigest()}"
    ).encode()
    return "datapackage.json"


def way_out(content):
    content["../../evil.csv"] = b"x"
    return "../../evil.csv"


def elsewhere(content):
    text = content["datapackage.json"].decode()
    content["datapackage.json"] = text.replace("data/events.csv", "/etc/passwd").encode()
    return "datapackage.json"


@pytest.mark.parametrize(
    "spoil",
    [
        changed_csv,
        longer_csv,
        without_csv,
        without_description,
        broken_description,
        no_json,
        another_day,
        another_hash,
        way_out,
        elsewhere,
    ],
)
def test_changed_package_is_refused_with_the_file_name(spoil, package, tmp_path, request):
    content = files(package)
    named = spoil(content)
    request.getfixturevalue("empty_database")
    with pytest.raises(CommandError, match=re.escape(named)):
        command("import_package", str(pack(tmp_path / "spoilt.zip", content)), commit=True)
    assert not Country.objects.exists()


def test_damaged_archive_is_refused(package, tmp_path):
    data = bytearray(package.read_bytes())
    data[2000] ^= 0xFF
    (tmp_path / "damaged.zip").write_bytes(data)
    with pytest.raises(CommandError, match=re.escape("data/")):
        command("import_package", str(tmp_path / "damaged.zip"))


def test_file_that_is_not_an_archive_is_refused(tmp_path):
    (tmp_path / "no.zip").write_text("slug\n")
    with pytest.raises(CommandError, match="ZIP"):
        command("import_package", str(tmp_path / "no.zip"))
    with pytest.raises(CommandError, match="does not exist"):
        command("import_package", str(tmp_path / "nowhere.zip"))


def test_archive_larger_than_allowed_is_refused(package, settings):
    settings.IMPORT_MAX_UNCOMPRESSED_BYTES = 10_000
    with pytest.raises(CommandError, match="10000"):
        command("import_package", str(package))


def with_descriptor(*pieces):
    return lambda path: packed_members(path, {"datapackage.json": pieces})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (with_members, "too many files"),
        (with_overlaps, "The unpacked file"),
        (with_lzma, "ZIP"),
        (with_descriptor(("[", 100_000)), "datapackage.json"),
        (with_descriptor((" ", 5 << 20)), "larger than 4 MB"),
        (with_descriptor((" ", 600 << 20)), "times as large"),
    ],
    ids=["members", "overlaps", "lzma", "nested", "long", "packed a thousandfold"],
)
def test_decompression_bomb_is_refused(make, said, tmp_path):
    with pytest.raises(CommandError, match=said):
        command("import_package", str(make(tmp_path / "bomb.zip")))


def test_list_downloaded_by_readers_is_refused(client, tmp_path):
    response = client.get("/en/events.zip")
    (tmp_path / "events.zip").write_bytes(b"".join(response.streaming_content))
    with pytest.raises(CommandError, match=re.escape("data/events.csv")):
        command("import_package", str(tmp_path / "events.zip"))


def test_old_slug_of_a_missing_record_refuses_the_whole_package(tmp_path, request):
    fields = [Field(name, name) for name in ("noun", "slug", "record")]
    names = RESOURCES["countries"]().columns
    row = [
        "XXA" if name == "alpha3" else "x" if name in ("name_en", "slug") else "" for name in names
    ]
    tables = [
        Table("countries", "c", [Field(name, name) for name in names], [row]),
        Table(OLD_SLUGS, "o", fields, [["countries", "old", "no-such"]]),
    ]
    path = tmp_path / "p.zip"
    path.write_bytes(
        b"".join(package_blocks(PackageDescription("p", "p", "CC0-1.0", None), tables))
    )
    request.getfixturevalue("empty_database")
    said = io.StringIO()
    with pytest.raises(CommandError, match="no-such"):
        call_command("import_package", str(path), commit=True, stdout=said)
    assert not Country.objects.exists()
    # Nothing was written, so there is no changeset to undo.
    assert "undo_changeset" not in said.getvalue()


# One record type in every format.


@pytest.mark.parametrize("noun", RESOURCES)
def test_every_format_has_the_same_rows(noun, tmp_path):
    Alliance.objects.filter(kind="defence-pact").update(summary_en=NASTY, summary_ind="'=1")
    data = {form: b"".join(export_records(noun, form)) for form in FORMATS}
    assert data["csv"].decode() == "".join(export_csv(noun))
    rows = list(csv.reader(io.StringIO(data["csv"].decode(), newline="")))
    sheet = openpyxl.load_workbook(io.BytesIO(data["xlsx"])).active
    cells = [
        ["" if c is None else str(c) for c in row] for row in sheet.iter_rows(values_only=True)
    ]
    assert cells == [[unescape_formula(cell) for cell in row] for row in rows]
    path = tmp_path / export_file_name(noun, "zip")
    path.write_bytes(data["zip"])
    assert files(path)[f"data/{noun}.csv"] == data["csv"]
    assert frictionless.Package(str(path)).validate().valid


def test_text_in_a_workbook_is_not_a_formula():
    Country.objects.filter(alpha3="AFG").update(name_en="=1+1")
    Alliance.objects.update(summary_en="a\rb\r\nc\t\x01d")
    book = openpyxl.load_workbook(io.BytesIO(b"".join(export_records("countries", "xlsx"))))
    row = next(row for row in book.active.iter_rows() if row[0].value == "AFG")
    found = dict(zip(RESOURCES["countries"]().columns, row, strict=True))
    assert (found["name_en"].value, found["name_en"].data_type) == ("=1+1", "s")
    assert found["m49"].value == "004"
    assert found["cow_code"].value == 700
    assert (book.active.freeze_panes, book.active["A1"].font.bold) == ("A2", True)
    book = openpyxl.load_workbook(io.BytesIO(b"".join(export_records("alliances", "xlsx"))))
    assert "a\rb\r\nc\t_x0001_d" in next(book.active.iter_rows(min_row=2, values_only=True))


def test_too_many_rows_for_a_sheet_are_refused_before_the_first_byte(monkeypatch):
    number = RESOURCES["sources"]._meta.model.objects.count()
    monkeypatch.setattr(xlsx, "MAX_ROWS", number + 1)
    assert b"".join(export_records("sources", "xlsx"))
    monkeypatch.setattr(xlsx, "MAX_ROWS", number)
    with override("en"), pytest.raises(SheetTooLarge, match="CSV"):
        export_records("sources", "xlsx")


def test_cell_over_the_limit_of_excel_is_refused():
    assert b"".join(xlsx_blocks(["a"], [["x" * 32_767], ["🙂" * 16_383]], sheet="s"))
    for cell in ("x" * 32_768, "🙂" * 16_384):
        with pytest.raises(SheetTooLarge):
            b"".join(xlsx_blocks(["a"], [[cell]], sheet="s"))


@pytest.mark.parametrize(
    "write",
    [
        lambda rows: csv_lines(["a"], rows),
        lambda rows: xlsx_blocks(["a"], rows, sheet="s"),
        lambda rows: package_blocks(
            PackageDescription("p", "p", "CC0-1.0", None),
            [Table("t", "t", [Field("a", "a")], rows)],
        ),
    ],
)
def test_first_bytes_are_sent_before_the_first_row_is_read(write):
    def rows():
        raise AssertionError
        yield ["x"]

    assert next(iter(write(rows())))


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMATS)
def test_memory_does_not_grow_with_the_records(form):
    countries = list(Country.objects.exclude(alpha3="")[:200])

    def peak(more):
        events = [factories.event(cited=False) for _number in range(more)]
        Participation.objects.bulk_create(
            Participation(event=event, country=c, role="for") for event in events for c in countries
        )
        tracemalloc.start()
        for _block in export_records("participations", form):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)
    some = peak(50)
    assert peak(190) < 1.2 * some


@pytest.mark.parametrize("noun", RESOURCES)
def test_export_is_one_query(noun, django_assert_num_queries):
    with django_assert_num_queries(1):
        export(noun)


@pytest.mark.slow
def test_dumpdata_and_loaddata_keep_the_same_records(live_site, live_site_factory, tmp_path):
    """`dumpdata` rounds to milliseconds, so only the time of the last change may differ."""
    live_site.manage("export_package", tmp_path / "before.zip")
    live_site.manage("dumpdata", "allies", "-o", tmp_path / "dump.json", "-v0")
    other = live_site_factory.empty()
    try:
        other.manage("loaddata", tmp_path / "dump.json")
        other.manage("export_package", tmp_path / "after.zip")
    finally:
        other.stop()
    before, after = (_tables(tmp_path / f"{name}.zip") for name in ("before", "after"))
    assert len(before) > 10
    assert after == before


def _tables(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name.endswith(".csv")}
