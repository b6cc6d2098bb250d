"""The API matches its OpenAPI description for any request, as tried by schemathesis."""

import subprocess
import sys
from pathlib import Path

import pytest

from allies.api.api import COLLECTIONS
from allies.api.records import ADDRESSES

#: First part of a path → an existing record to request besides made-up ones.
KNOWN = {
    "countries": 'slug = "russia"',
    "alliances": 'slug = "china-russia-no-limits-partnership"',
    "events": 'slug = "unga-es-11-1"',
    "ally-lists": 'slug = "russia-allies-in-asia"',
    "ties": 'first = "north-korea", second = "russia"',
    "sources": 'slug = "dw-2024-en"',
}


#: Paths with a rule between two parameters, which a description cannot give: the first year of a
#: range is not after its last one.
RULED = ("/countries/{slug}/votes-like",)
#: Statuses of valid requests there: those of all operations, and that of a broken rule.
ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "422", "429", "5xx"]


def about_one():
    return [path for path in [*COLLECTIONS, *ADDRESSES] if "{" in path]


@pytest.mark.slow
@pytest.mark.parametrize("known", [True, False], ids=["known records", "made-up records"])
def test_schemathesis_finds_no_errors(live_site, tmp_path, known):
    if known:
        records = [
            f'[[operations]]\ninclude-path = "/api/v1{path}"\n'
            f"parameters = {{ {KNOWN[path.split('/')[1]]} }}\n"
            + f"checks.positive_data_acceptance.expected-statuses = {ACCEPTED}\n"
            * (path in RULED)
            for path in about_one()
        ]
        (tmp_path / "schemathesis.toml").write_text("\n".join(records))
    done = subprocess.run(
        [
            *(Path(sys.executable).with_name("schemathesis"), "run"),
            f"{live_site.serve()}/api/v1/openapi.json",
            *("--checks", "all", "--max-examples", "10", "--seed", "1", "--no-color"),
            *("--phases", "coverage,fuzzing"),
            *(() if known else ("--include-path-regex", "{")),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    if known:
        assert "Missing test data" not in done.stdout
