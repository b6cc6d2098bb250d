"""The WSGI application that the web server runs."""

import os

from django.core.wsgi import get_wsgi_application

from config.file_permissions import set_private_umask

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
set_private_umask()

site = get_wsgi_application()

# These import settings and models, so they come after Django's setup.
from allies.downloads.buffering import limit_downloads  # noqa: E402
from allies.http.rate_limit import require_utf8  # noqa: E402
from allies.monitoring.request_log import log_requests  # noqa: E402
from allies.page_cache.wsgi import wsgi_page_cache  # noqa: E402

application = log_requests(require_utf8(limit_downloads(wsgi_page_cache(site))))
