"""Work that waits for nobody: run by `manage.py db_worker`."""

import datetime as dt

from django.db import connection
from django.utils import timezone
from django_tasks import task

from allies.models import Upload

#: How long an upload nobody applied is kept.
KEPT_FOR = dt.timedelta(days=7)


@task()
def after_import() -> None:
    """Refresh the statistics the database plans its queries by, and drop forgotten uploads.

    After a large import, stale statistics make a listing many times slower.
    """
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA optimize" if connection.vendor == "sqlite" else "ANALYZE")
    for upload in Upload.objects.filter(uploaded_at__lt=timezone.now() - KEPT_FOR):
        upload.discard()
