"""Downloads of every list: the same rows in each format, with metadata, and streamed.

``test_public`` requests every URL and checks that none shows a draft.
"""

import csv
import gc
import io
import json
import tracemalloc
import zipfile

import frictionless
import openpyxl
import pytest
from django.urls import resolve, reverse

from allies.file_formats import unescape_formula, xlsx
from allies.models import Alliance, Citation, Country, Event, Participation
from allies.views.country import CountryListing
from allies.views.download_mixin import DATA_FORMATS, FORMATS
from tests import factories
from tests.views import page_urls
from tests.views.page_urls import body, content

pytestmark = pytest.mark.usefixtures("demo_data")

NASTY = '=1+1,\r\n"x"\ry'


def lists():
    """Yield the path of one list of each view in both languages, without the file extension."""
    for address in page_urls.one_of_each("en", "id"):
        if address.endswith(".csv"):
            yield address.removesuffix(".csv")


def offers(address, form):
    """Return whether a list has this format; data of charts has neither page nor feed."""
    name = resolve(f"{address}.csv").url_name.removesuffix("-csv")
    return (name if form == "html" else f"{name}-{form}") in page_urls.names()


def as_text(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def table(text):
    rows = csv.reader(io.StringIO(text, newline=""))
    return [[unescape_formula(cell) for cell in row] for row in rows]


def files(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def described(visitor, address):
    found = files(content(visitor.get(address)))
    return json.loads(found["datapackage.json"]), found


@pytest.mark.slow
def test_every_format_has_the_same_rows(client):
    Alliance.objects.update(title_en=NASTY)
    Event.objects.filter(kind="statement").update(place_ind="-1", title_en=NASTY)
    seen = 0
    for address in lists():
        text = body(client.get(f"{address}.csv"))
        rows = table(text)
        records = json.loads(body(client.get(f"{address}.json")))["rows"]
        assert [[as_text(value) for value in record.values()] for record in records] == rows[1:]
        book = openpyxl.load_workbook(io.BytesIO(content(client.get(f"{address}.xlsx"))))
        cells = book.active.iter_rows(values_only=True)
        assert [["" if cell is None else str(cell) for cell in row] for row in cells] == rows
        (data,) = (
            data
            for name, data in files(content(client.get(f"{address}.zip"))).items()
            if name.startswith("data/")
        )
        assert data.decode() == text
        seen += len(rows) > 1
    assert seen > 12


@pytest.mark.slow
@pytest.mark.sqlite_only
def test_packages_are_valid_for_frictionless(client, tmp_path):
    Alliance.objects.update(title_en=NASTY)
    for number, address in enumerate(lists()):
        path = tmp_path / f"{number}.zip"
        path.write_bytes(content(client.get(f"{address}.zip")))
        report = frictionless.Package(str(path)).validate()
        assert report.valid, (address, report.flatten(["rowNumber", "fieldName", "note"]))


@pytest.mark.slow
@pytest.mark.sqlite_only
def test_page_links_to_every_format(client):
    for address in lists():
        if not offers(address, "html"):
            continue
        page = client.get(f"{address}/?q=a")
        links = page.context["downloads"]
        forms = [form for form in FORMATS if offers(address, form)]
        assert {*DATA_FORMATS} <= {*forms}
        assert [link for _label, link in links] == [f"{address}.{form}?q=a" for form in forms]
    page = body(client.get("/en/lists/russia-allies-in-asia/"))
    assert 'href="/en/lists/russia-allies-in-asia.xlsx">XLSX</a>' in page
    assert "data package (ZIP)" in page


def test_package_describes_filters_and_row_counts(client):
    query = "kind=visit&country=PRK&date_after=2023-01-01"
    package, found = described(client, f"/id/events.zip?{query}")
    (resource,) = package["resources"]
    assert resource["rows"] == len(table(found["data/events.csv"].decode())) - 1
    listed = Event.objects.published().except_roll_calls()
    assert resource["rows"] < resource["rows_without_filter"] == listed.count()
    assert package["homepage"] == f"http://testserver/id/events/?{query}"
    assert package["filters"]["en"] == ["Kind: visit", "Country: North Korea", "From: 2023-01-01"]
    assert package["filters"]["id"] == [
        "Jenis: kunjungan",
        "Negara: Korea Utara",
        "Dari: 2023-01-01",
    ]
    readme = found["README.md"].decode()
    assert "Kind: visit; Country: North Korea" in readme
    assert "Jenis: kunjungan; Negara: Korea Utara" in readme
    counted = f"{resource['rows']} of {resource['rows_without_filter']} rows"
    assert counted in readme


def test_package_is_described_in_both_languages(client):
    package, _found = described(client, "/en/countries/russia/allies.zip?region=142")
    assert package["titles"] == {"en": "Allies: Allies of Russia", "id": "Allies: Sekutu Rusia"}
    assert package["resources"][0]["name"] == "countries-russia-allies"
    assert package["filters"]["en"] == ["Region: Asia"]
    fields = {f["name"]: f for f in package["resources"][0]["schema"]["fields"]}
    assert fields["independent_sources"]["type"] == "integer"
    assert fields["disputed"]["type"] == "boolean"
    assert fields["since"]["type"] == "string"
    assert fields["name_ind"]["titles"]["id"] == "nama (Indonesia)"


def test_package_is_reproducible(client):
    first, again = (content(client.get("/en/events.zip?kind=visit")) for _time in range(2))
    assert first == again


@pytest.mark.slow
def test_every_column_has_a_title(client):
    for address in lists():
        if address.startswith("/en/") and address != "/en/changes":
            package, _found = described(client, f"{address}.zip")
            for field in package["resources"][0]["schema"]["fields"]:
                assert field["title"] and "_" not in field["title"], (address, field)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMATS)
def test_formats_refuse_wrong_filters_and_support_head(form, client):
    for address in lists():
        if form == "atom" and not offers(address, form):
            assert client.get(f"{address}.atom").status_code == 404
            continue
        for query in ("colour=red", f"q={'a' * 300}"):
            response = client.get(f"{address}.{form}?{query}")
            if address.endswith("/search") and query.startswith("q="):
                assert response.status_code == 200  # search accepts any text
                continue
            assert response.status_code == 400
            if form != "json":
                assert response["Content-Type"].startswith("text/plain")
                assert query.split("=")[0] in body(response)
        response = client.head(f"{address}.{form}")
        assert response.status_code == 200
        assert (
            response.headers["Content-Type"]
            == client.get(f"{address}.{form}").headers["Content-Type"]
        )


def test_xlsx_with_too_many_rows_is_refused_with_advice(client, monkeypatch):
    monkeypatch.setattr(xlsx, "MAX_ROWS", 10)
    response = client.get("/en/countries.xlsx")
    assert response.status_code == 400
    assert response["Content-Type"].startswith("text/plain")
    assert "Download CSV instead" in body(response)
    assert client.get("/en/countries.csv").status_code == 200
    assert client.get("/en/countries.xlsx?q=Indonesia").status_code == 200


def test_xlsx_keeps_text_as_text(client):
    Country.objects.filter(alpha3="AFG").update(name_en="=1+1")
    book = openpyxl.load_workbook(io.BytesIO(content(client.get("/en/countries.xlsx"))))
    header = [cell.value for cell in next(book.active.iter_rows())]
    row = next(row for row in book.active.iter_rows() if row[0].value == "AFG")
    found = dict(zip(header, row, strict=True))
    assert (found["name_en"].value, found["name_en"].data_type) == ("=1+1", "s")
    assert found["m49"].value == "004"
    assert found["ties"].data_type == "n"


@pytest.mark.parametrize("form", DATA_FORMATS)  # feeds are short and not streamed
def test_download_starts_before_rows_are_read(form, client, monkeypatch):
    def rows(self, queryset):
        raise AssertionError
        yield

    monkeypatch.setattr(CountryListing, "rows", rows)
    response = client.get("/en/countries.csv" if form == "csv" else f"/en/countries.{form}")
    assert next(iter(response.streaming_content))


@pytest.mark.slow
@pytest.mark.parametrize("form", DATA_FORMATS)  # feeds are short and not streamed
def test_download_memory_does_not_grow_with_rows(form, client, monkeypatch):
    monkeypatch.setattr("allies.views.event.CHUNK_ROWS", 20)
    monkeypatch.setattr("allies.file_formats.csv.ROWS_PER_CHUNK", 20)
    monkeypatch.setattr("allies.file_formats.xlsx.CHUNK", 20)
    countries = list(Country.objects.exclude(alpha3="")[:60])
    source = factories.source()

    def peak(more):
        events = Event.objects.bulk_create(
            Event(slug=f"{more}-{n}", kind="un-vote", title_en="V", date="1990", status="published")
            for n in range(more)
        )
        Citation.objects.bulk_create(Citation(source=source, event=event) for event in events)
        Participation.objects.bulk_create(
            Participation(event=event, country=c, role="for") for event in events for c in countries
        )
        response = client.get(f"/en/votes.{form}")
        gc.collect()
        gc.freeze()  # makes frequent collections fast
        tracemalloc.start()
        for number, _block in enumerate(response.streaming_content):
            if number % 5 == 0:
                gc.collect()
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        gc.unfreeze()
        return most

    peak(20)
    some = peak(200)
    assert peak(1000) < 1.2 * some


def test_event_csv_query_count_is_constant(client, django_assert_num_queries):
    for _number in range(30):
        factories.event(("RUS", "host"), ("CHN", "visitor"))
    with django_assert_num_queries(6):  # two for rows that may not be passed on
        text = body(client.get(reverse("allies:event-list-csv")))
    assert text.count("CHN:visitor RUS:host") >= 30
