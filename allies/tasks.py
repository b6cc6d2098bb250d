"""Work that waits for nobody: run by `manage.py db_worker`."""

from django.db import connection
from django_tasks import task

from allies.actions.scheduling import run_due
from allies.db.content_version import compact


@task()
def refresh_statistics() -> None:
    """Refresh the statistics the database plans its queries by, and fold the content's version.

    After a large import, stale statistics make a listing many times slower.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            # What "PRAGMA optimize" would look at is what this connection asked before: nothing.
            cursor.execute("PRAGMA analysis_limit=1000")
        cursor.execute("ANALYZE")
    compact()


@task()
def run_due_schedules() -> None:
    """Take the steps whose time has come; asked for at the time of each when it is made."""
    run_due()
