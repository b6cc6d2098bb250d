"""Concurrent work: several imports at once, and editors and readers during an import."""

import pytest

from tests.imports.files import write

CODES = ["RUS", "CHN", "IND", "PRK", "IRN", "IDN", "THA", "VNM", "SYR", "BLR"]

EDITOR = """
from allies.models import *
for n in range({times}):
    source = Source(key=f"{name}-{{n}}", publisher="P", title="T", status="published")
    source.full_clean()
    source.save()
    assert Country.objects.get(alpha3="RUS").aliases.count() >= 0
    assert Event.objects.published().count() == 14
"""

COUNT = (
    "from allies.models import *; print(Alias.objects.filter(name__startswith='n-').count(), "
    "Alias.history.filter(name__startswith='n-').count(), Source.objects.filter(title='T').count())"
)


def names(path, first, last):
    return write(
        path,
        [{"country": code, "name": f"n-{n}-{code}"} for n in range(first, last) for code in CODES],
    )


def ended(*processes):
    """Wait for the processes; return the exit status and error output of each."""
    return [(process.wait(), process.said.read_text()) for process in processes]


@pytest.mark.slow
def test_editors_and_readers_work_while_a_large_file_is_applied(live_site, tmp_path):
    file = names(tmp_path / "a.csv", 0, 4000)
    editors = [
        live_site.start("manage.py", "shell", "-v0", "-c", EDITOR.format(name=name, times=150))
        for name in ("ann", "ben")
    ]
    load = live_site.start("manage.py", "import_csv", "aliases", file, "--commit")
    for status, said in ended(load, *editors):
        assert status == 0, said
    assert live_site.shell(COUNT) == "40000 40000 300"


@pytest.mark.slow
def test_two_files_at_once_are_both_imported(live_site, tmp_path):
    loads = [
        live_site.start(
            "manage.py", "import_csv", "aliases", names(tmp_path / name, *part), "--commit"
        )
        for name, part in (("a.csv", (0, 1000)), ("b.csv", (1000, 2000)))
    ]
    for status, said in ended(*loads):
        assert status == 0, said
    assert live_site.shell(COUNT) == "20000 20000 0"


@pytest.mark.slow
def test_one_file_twice_at_once_is_imported_once(live_site, tmp_path):
    file = names(tmp_path / "a.csv", 0, 1000)
    loads = [
        live_site.start("manage.py", "import_csv", "aliases", file, "--commit") for _ in range(2)
    ]
    for status, said in ended(*loads):
        assert status == 0, said
    assert live_site.shell(COUNT) == "10000 10000 0"
