"""Which modules are mutated, which tests have to notice, and where the record of them is kept."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: What is recorded and found, between one run and the next.
STORE = ROOT / "var" / "mutants"

#: Packages and modules that are mutated.
TARGETS = (
    "allies/actions",
    "allies/edtf.py",
    "allies/exchange/rules.py",
    "allies/filters",
    "allies/links/addresses.py",
    "allies/models",
)

#: Tests that belong to them. What they test goes on in the process that runs them.
TESTS = (
    "tests/actions",
    "tests/admin",
    "tests/exchange",
    "tests/figures",
    "tests/filters",
    "tests/links",
    "tests/models",
    "tests/views",
    "tests/test_change_log.py",
    "tests/test_conventions.py",
    "tests/test_edtf.py",
    "tests/test_feeds.py",
    "tests/test_search.py",
)

#: Tests of files, fetching and plans of statements: long, and not about the modules above.
NOT_TESTS = (
    "tests/admin/test_at_once.py",
    "tests/admin/test_hostile.py",
    "tests/exchange/test_at_once.py",
    "tests/exchange/test_bombs.py",
    "tests/exchange/test_back_and_forth.py",
    "tests/exchange/test_kill.py",
    "tests/exchange/test_libreoffice.py",
    "tests/exchange/test_source_files.py",
    "tests/exchange/test_table_files.py",
    "tests/exchange/test_tables.py",
    "tests/links/test_run.py",
    "tests/models/test_migrations.py",
    "tests/views/test_plans.py",
    "tests/views/test_queries.py",
)


def _files(paths, pattern):
    found = []
    for path in map(ROOT.joinpath, paths):
        found += sorted(path.rglob(pattern)) if path.is_dir() else [path]
    return [str(path.relative_to(ROOT)) for path in found]


def modules():
    """Return the paths of the modules that are mutated, below the root of the project."""
    return _files(TARGETS, "*.py")


def tests():
    """Return the paths of the test files that have to notice."""
    return [path for path in _files(TESTS, "test_*.py") if path not in NOT_TESTS]
