"""Settings of `make dev`: debug pages, Django Debug Toolbar, no page cache. Never use in public."""

import os

# Defaults for config.settings, which reads them. Variables in the environment take precedence.
os.environ.setdefault("ALLIES_DEBUG", "true")
os.environ.setdefault("ALLIES_PAGE_CACHE_MB", "0")

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "debug_toolbar"]
# First, so that it measures all others.
MIDDLEWARE = ["debug_toolbar.middleware.DebugToolbarMiddleware", *MIDDLEWARE]
INTERNAL_IPS = ["127.0.0.1", "::1"]
ROOT_URLCONF = "config.urls_dev"
