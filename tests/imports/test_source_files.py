"""Sources in files: their URLs are normalised, and the keys to compare them by are computed."""

from importlib import import_module

import pytest
from django.apps import apps

from allies.models import Source
from tests import factories
from tests.imports.files import export, load, write

pytestmark = pytest.mark.usefixtures("demo_data")

UNTIDY = "HTTPS://WWW.DW.com:443/en/a-1?utm_source=rss&id=4#top"
TIDY = "https://www.dw.com/en/a-1?id=4"


@pytest.fixture
def file(tmp_path):
    kept = "https://web.archive.org/web/2024/https://dw.com/b?utm_source=x"
    rows = [
        {"key": "a", "publisher": "DW", "title": "A title – DW", "url": UNTIDY, "credit": "dpa"},
        {"key": "b", "publisher": "DW", "title": "Another", "archive_url": kept},
    ]
    return write(tmp_path / "sources.csv", rows)


def test_urls_are_normalised_with_their_keys(file):
    assert load("sources", file).created == 2
    source = Source.objects.get(key="a")
    assert (source.url, source.credit) == (TIDY, "dpa")
    assert (source.url_key, source.title_key) == ("dw.com/en/a-1?id=4", "a title")
    assert Source.objects.get(key="b").archive_key == "dw.com/b"
    version = source.history.get()
    assert (version.url, version.url_key) == (source.url, source.url_key)


def test_same_file_again_changes_nothing(file):
    load("sources", file)
    report = load("sources", file)
    assert (report.unchanged, report.updated) == (2, 0)


def test_changed_url_changes_its_key(file, tmp_path):
    load("sources", file)
    again = write(tmp_path / "again.csv", [{"key": "a", "url": "https://dw.com/c"}])
    assert load("sources", again).updated == 1
    assert Source.objects.get(key="a").url_key == "dw.com/c"


def test_export_has_the_stored_values(file):
    load("sources", file)
    (line,) = (line for line in export("sources").splitlines() if line.startswith("a,"))
    assert TIDY in line
    assert ",dpa," in line


def test_saving_without_a_form_normalises_urls_too():
    source = factories.source(url=UNTIDY)
    assert Source.objects.get(pk=source.pk).url == TIDY
    source.url = f"{TIDY}#x"
    source.save(update_fields=["url"])
    source.refresh_from_db()
    assert (source.url, source.url_key) == (TIDY, "dw.com/en/a-1?id=4")


def test_migration_fills_in_the_keys_of_existing_sources(file, monkeypatch):
    load("sources", file)
    stored = list(Source.objects.order_by("pk").values())
    versions = list(Source.history.order_by("pk").values())
    empty = {"url_key": "", "archive_key": "", "title_key": ""}
    Source.objects.update(**empty)
    Source.history.update(**empty)
    migration = import_module("allies.migrations.0008_source_keys")
    monkeypatch.setattr(migration, "CHUNK", 3)
    migration.fill_keys(apps, None)
    assert list(Source.objects.order_by("pk").values()) == stored
    assert list(Source.history.order_by("pk").values()) == versions
