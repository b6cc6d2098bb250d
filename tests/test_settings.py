"""Invalid and unsafe settings stop the start, with a message that names the variable."""

import os
import re
import secrets
import subprocess
import sys

import pytest
from django.conf import settings

from config.env_parsers import env, secret_validator


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLIES_FORCE_HTTPS", "perhaps"),
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
        ({"ALLIES_ALLOWED_HOSTS": "allies.example"}, "ALLIES_FORCE_HTTPS"),
        (
            {
                "ALLIES_ALLOWED_HOSTS": "localhost,allies.example",
                "ALLIES_FORCE_HTTPS": "true",
                "ALLIES_DEBUG": "true",
            },
            "ALLIES_DEBUG",
        ),
        ({"ALLIES_ALLOWED_HOSTS": "*", "ALLIES_FORCE_HTTPS": "true"}, "ALLIES_ALLOWED_HOSTS"),
        *(
            ({"ALLIES_SECRET_KEY": secret}, "ALLIES_SECRET_KEY")
            for secret in (
                "changeme",
                "s" * 55,
                "password" * 7,
                "0123456789" * 6,
                f"django-insecure-{secrets.token_urlsafe(50)}",
                f"changeme-{secrets.token_urlsafe(50)}",
                "of-the-build-alone-and-never-of-a-site-that-anybody-can-reach",
                secrets.token_urlsafe(30),
            )
        ),
        *(
            ({"ALLIES_METRICS_TOKEN": token}, "ALLIES_METRICS_TOKEN")
            for token in ("token", "x" * 20, "1234567890" * 2, "changeme" * 5)
        ),
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


def test_secret_key_file_without_a_secret_stops_the_start(tmp_path):
    (tmp_path / "secret_key").write_text("")
    started = subprocess.run(
        [sys.executable, "manage.py", "check"],
        env={**os.environ, "ALLIES_SECRET_KEY": "", "ALLIES_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert started.returncode != 0
    assert str(tmp_path / "secret_key") in started.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "secret",
    [secrets.token_urlsafe(50), secrets.token_hex(25), secrets.token_hex(32)],
    ids=["urlsafe", "short hex", "hex"],
)
def test_random_secrets_are_accepted(secret):
    secret_validator(50)(secret)
    secret_validator(20)(secret)


@pytest.mark.slow
def test_site_in_production_starts():
    safe = {
        "ALLIES_ALLOWED_HOSTS": "allies.example",
        "ALLIES_FORCE_HTTPS": "true",
        "ALLIES_SECRET_KEY": secrets.token_urlsafe(50),
    }
    command = [sys.executable, "manage.py", "check"]
    subprocess.run(command, env={**os.environ, **safe}, check=True, capture_output=True)


@pytest.mark.slow
def test_development_settings_have_debug_and_toolbar_but_no_page_cache():
    code = (
        "from django.conf import settings; from django.urls import reverse;"
        "print(settings.DEBUG, settings.PAGE_CACHE_BYTES, reverse('djdt:render_panel'),"
        " reverse('allies:home'))"
    )
    printed = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", code],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings_dev"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed.split() == ["True", "0", "/__debug__/render_panel/", "/en/"]
