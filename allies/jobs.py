"""Work that waits for nobody: run by `manage.py db_worker`."""

from django.db import connection
from django.utils import timezone
from django_tasks import task

from allies.actions.appointments import keep_appointments
from allies.caching.version import fold
from allies.models import Changeset, Correction


@task()
def after_import() -> None:
    """Refresh the statistics the database plans its queries by, and tidy up.

    After a large import, stale statistics make a listing many times slower.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            # What "PRAGMA optimize" would look at is what this connection asked before: nothing.
            cursor.execute("PRAGMA analysis_limit=1000")
        cursor.execute("ANALYZE")
    fold()
    for changeset in Changeset.objects.forgotten(timezone.now()):
        changeset.discard()


@task()
def keep_due_appointments() -> None:
    """Take the steps whose time has come; asked for at the time of each when it is made."""
    keep_appointments()


@task()
def forget_contacts() -> None:
    """Delete the addresses of readers whose corrections were decided long ago."""
    Correction.objects.all().forget_contacts(timezone.now())
