"""Settings: what cannot be read stops the start and names itself."""

import os
import re
import subprocess
import sys

import pytest
from django.conf import settings

from config.environment import env


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLIES_HTTPS", "perhaps"),
        ("ALLIES_HTPPS", "true"),
        ("ALLIES_IMPORT_MAX_BYTES", "lots"),
        ("ALLIES_LOG_LEVEL", "loud"),
        ("DATABASE_URL", "postgers://host/name"),
        ("CACHE_URL", "memcached://host"),
        ("CACHE_URL", "redis://:secret@host:port"),
        ("ALLIES_STALE_DAYS", "evnet=30"),
        ("ALLIES_STALE_DAYS", "30"),
        ("ALLIES_STALE_DAYS", "event=-5"),
        ("ALLIES_TIME_ZONE", "Mars/Olympus"),
        ("ALLIES_TIME_ZONE", "Asia"),
        ("ALLIES_DATA_DIR", "/proc/nowhere"),
        ("ALLIES_EMAIL_PORT", "99999"),
        ("ALLIES_DATABASE_CONN_MAX_AGE", "-5"),
        ("DATABASE_REPLICA_URLS", "mongo://host/name"),
        ("DATABASE_REPLICA_URLS", "postgres://user@host:port/name"),
        ("ALLIES_TRUSTED_ORIGINS", "allies.example"),
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
    assert "Traceback" not in started.stderr


def test_readme_names_every_variable():
    table = set(re.findall(r"^\| `(\w+)` \|", (settings.BASE_DIR / "README.md").read_text(), re.M))
    assert table == set(env.dump())


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"ALLIES_ALLOWED_HOSTS": "allies.example"}, "ALLIES_HTTPS"),
        (
            {
                "ALLIES_ALLOWED_HOSTS": "localhost,allies.example",
                "ALLIES_HTTPS": "true",
                "ALLIES_DEBUG": "true",
            },
            "ALLIES_DEBUG",
        ),
        ({"ALLIES_ALLOWED_HOSTS": "*", "ALLIES_HTTPS": "true"}, "ALLIES_ALLOWED_HOSTS"),
        ({"ALLIES_SECRET_KEY": "changeme"}, "ALLIES_SECRET_KEY"),
    ],
)
def test_unsafe_configuration_does_not_start(given, missing):
    started = subprocess.run(
        [sys.executable, "manage.py", "check"],
        env={**os.environ, **given},
        capture_output=True,
        text=True,
    )
    assert started.returncode != 0
    assert missing in started.stderr.splitlines()[-1]
    assert "Traceback" not in started.stderr


def test_site_in_production_starts():
    safe = {
        "ALLIES_ALLOWED_HOSTS": "allies.example",
        "ALLIES_HTTPS": "true",
        "ALLIES_SECRET_KEY": "s" * 50,
    }
    command = [sys.executable, "manage.py", "check"]
    subprocess.run(command, env={**os.environ, **safe}, check=True, capture_output=True)
