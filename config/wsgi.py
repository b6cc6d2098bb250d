"""The WSGI application the web server runs."""

import os

from django.core.wsgi import get_wsgi_application

from config.permissions import write_privately

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
write_privately()

site = get_wsgi_application()

# These read the settings and know models: after the site is there.
from allies.caching.front import kept_in_front  # noqa: E402
from allies.downloading.bodies import limit_downloads  # noqa: E402
from allies.limits import require_utf8  # noqa: E402
from allies.observing.requests import observed  # noqa: E402

application = observed(require_utf8(limit_downloads(kept_in_front(site))))
