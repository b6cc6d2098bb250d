"""Check links in the background worker."""

from django_tasks import task

from allies.link_checking.check_due_links import Options, run_checks

#: Maximum links and seconds per job, so that imports do not wait long for it.
BATCH = 50
SECONDS = 180


@task()
def check_links() -> None:
    """Check some of the links that are due. The remaining ones stay due."""
    for _outcome in run_checks(Options(limit=BATCH, seconds=SECONDS)):
        pass
