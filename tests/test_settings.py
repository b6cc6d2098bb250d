"""Settings: what cannot be read stops the start and names itself."""

import os
import re
import subprocess
import sys

import pytest
from django.conf import settings

from config.settings import env


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLIES_HTTPS", "perhaps"),
        ("ALLIES_HTPPS", "true"),
        ("ALLIES_IMPORT_MAX_BYTES", "lots"),
        ("ALLIES_LOG_LEVEL", "loud"),
        ("DATABASE_URL", "postgers://host/name"),
    ],
)
def test_bad_value_stops_the_start_and_names_the_variable(name, value):
    started = subprocess.run(
        [sys.executable, "manage.py", "check"],
        env={**os.environ, name: value},
        capture_output=True,
        text=True,
    )
    assert started.returncode != 0
    assert name in started.stderr.splitlines()[-1]


def test_readme_names_every_variable():
    table = set(re.findall(r"^\| `(\w+)` \|", (settings.BASE_DIR / "README.md").read_text(), re.M))
    assert table == set(env.dump())
