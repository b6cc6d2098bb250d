"""Background tasks, which `manage.py db_worker` runs."""

from django.db import connection
from django_tasks import task

from allies.actions.scheduling import run_due
from allies.db.content_version import compact


@task()
def refresh_statistics() -> None:
    """Update the statistics of the query planner, and compact the table of the content version.

    After a large import, outdated statistics make listings many times slower.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            # "PRAGMA optimize" only analyses tables that this connection has queried, so none.
            cursor.execute("PRAGMA analysis_limit=1000")
        cursor.execute("ANALYZE")
    compact()


@task()
def run_due_schedules() -> None:
    """Publish and withdraw scheduled records that are due.

    A run is queued for each schedule when it is created.
    """
    run_due()
