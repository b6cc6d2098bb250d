"""The baseline of a page: Django with a single view that returns the same bytes."""

import os
from pathlib import Path

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

BODY = Path(os.environ["BARE_BODY"]).read_bytes()
HEADERS = {"Content-Encoding": "gzip", "Content-Length": str(len(BODY))}


def page(request):
    return HttpResponse(BODY, headers=HEADERS)


urlpatterns = [path("page", page)]

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, MIDDLEWARE=[], SECRET_KEY="none")
application = get_wsgi_application()
