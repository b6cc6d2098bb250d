"""The modules that are mutated, the tests that must notice this, and the folder for results."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: Folder for records and results, which later runs use again.
STORE = ROOT / "var" / "mutants"

#: Packages and modules that are mutated.
TARGETS = (
    "allies/actions",
    "allies/text/edtf.py",
    "allies/text/date_parser.py",
    "allies/imports/validation.py",
    "allies/filters",
    "allies/link_checking/url_safety.py",
    "allies/editions/content.py",
    "allies/evidence/guards.py",
    "allies/evidence/origin_suggestions.py",
    "allies/history/changeset_context.py",
    "allies/history/clock.py",
    "allies/history/snapshots.py",
    "allies/models",
    "allies/ties",
)

#: Tests of these modules that run in the test process.
TESTS = (
    "tests/actions",
    "tests/admin",
    "tests/imports",
    "tests/charts",
    "tests/filters",
    "tests/link_checking",
    "tests/citations/test_footnotes.py",
    "tests/evidence",
    "tests/exports",
    "tests/form_submissions",
    "tests/history/test_clock.py",
    "tests/models",
    "tests/ties",
    "tests/views",
    "tests/history/test_change_feed.py",
    "tests/test_conventions.py",
    "tests/text/test_edtf.py",
    "tests/text/test_date_parser.py",
    "tests/feeds/test_feeds.py",
    "tests/search/test_search.py",
)

#: Slow tests that are not about the modules above: files, fetching, query plans.
NOT_TESTS = (
    "tests/admin/test_concurrent_edits.py",
    "tests/admin/test_malformed_input.py",
    "tests/imports/test_concurrent_imports.py",
    "tests/imports/test_decompression_bombs.py",
    "tests/exports/test_export_import.py",
    "tests/imports/test_crash_safety.py",
    "tests/imports/test_libreoffice.py",
    "tests/imports/test_source_files.py",
    "tests/imports/test_file_formats.py",
    "tests/imports/test_tables.py",
    "tests/link_checking/test_check_due_links.py",
    "tests/models/test_migrations.py",
    "tests/views/test_query_plans.py",
    "tests/views/test_queries.py",
)


def _files(paths, pattern):
    found = []
    for path in map(ROOT.joinpath, paths):
        found += sorted(path.rglob(pattern)) if path.is_dir() else [path]
    return [str(path.relative_to(ROOT)) for path in found]


def modules():
    """Return the paths of the modules that are mutated, relative to the root of the project."""
    return _files(TARGETS, "*.py")


def tests():
    """Return the paths of the test files that must notice mutants."""
    return [path for path in _files(TESTS, "test_*.py") if path not in NOT_TESTS]
