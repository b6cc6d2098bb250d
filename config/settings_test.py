"""Settings for tests: a fast password hasher, plain static files, and SQLite in memory."""

from config.settings import *  # noqa: F403
from config.settings import DATABASES, STORAGES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = STORAGES | {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
if DATABASES["default"]["ENGINE"] == "allies.db.sqlite":
    DATABASES["default"]["TEST"] = {"NAME": ":memory:"}
