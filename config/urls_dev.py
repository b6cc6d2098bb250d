"""The URLs of `make dev`: those of the site, and those of Django Debug Toolbar."""

from debug_toolbar.toolbar import debug_toolbar_urls

from config.urls import *  # noqa: F403
from config.urls import urlpatterns as site_urls

urlpatterns = [*debug_toolbar_urls(), *site_urls]
