"""Write and import real CSV files, as a spreadsheet would."""

import contextlib
import csv
import io

import pytest
from django.core.management import CommandError, call_command

from allies.imports.own_csv import read_csv
from allies.imports.resources import RESOURCES
from allies.imports.runner import run_import


def write(path, rows, columns=None):
    """Write rows (dicts) as a CSV file; return its path."""
    columns = columns or list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def load(noun, path, **options):
    """Import a file; return its report."""
    (report,) = run_import(
        [(noun, read_csv(path, RESOURCES[noun]().columns))], **{"commit": True, **options}
    )
    return report


def export(noun):
    """Return the output of `export_csv`."""
    out = io.StringIO()
    call_command("export_csv", noun, stdout=out)
    return out.getvalue()


def command(*args, fails=False, **options):
    """Run a command and return its output; ``fails`` expects a CommandError."""
    out = io.StringIO()
    with pytest.raises(CommandError) if fails else contextlib.nullcontext():
        call_command(*args, stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()
