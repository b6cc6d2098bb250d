"""A WSGI application with downloads of any size, for tests of slow clients.

``/<megabytes>.csv`` is a download. A client is stalled after one second here. At ``/slow-…``
addresses, every client is too slow.
"""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from allies.downloads import buffering, stalled_connections  # noqa: E402

stalled_connections.STALLED_MILLISECONDS = 1_000


class Made:
    streaming = True

    def __init__(self, megabytes):
        self._megabytes = megabytes

    def __iter__(self):
        for _number in range(self._megabytes):
            yield b"x" * 1024**2

    def close(self):
        pass


def download(environ, start_response):
    name = environ["PATH_INFO"].strip("/").removesuffix(".csv")
    if name.startswith("slow-"):
        buffering.PATIENCE, buffering.SLOWEST = 0, float("inf")
    start_response("200 OK", [("Content-Type", "text/csv; charset=utf-8")])
    return Made(int(name.removeprefix("slow-")))


application = buffering.limit_downloads(download)
