"""Settings of `make dev`: debug pages, Django Debug Toolbar, no cached pages. Never in public."""

import os

# Defaults for config.settings, which reads them; what the environment sets still wins.
os.environ.setdefault("ALLIES_DEBUG", "true")
os.environ.setdefault("ALLIES_PAGE_CACHE_MB", "0")

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "debug_toolbar"]
# First, so that it measures all others.
MIDDLEWARE = ["debug_toolbar.middleware.DebugToolbarMiddleware", *MIDDLEWARE]
INTERNAL_IPS = ["127.0.0.1", "::1"]
ROOT_URLCONF = "config.urls_dev"
