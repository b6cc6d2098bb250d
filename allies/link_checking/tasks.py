"""The checking of links as a job, for sites whose worker is to do it."""

from django_tasks import task

from allies.link_checking.runner import Options, run_checks

#: What one job does at most, so that imports do not wait long behind it.
BATCH = 50
SECONDS = 180


@task()
def check_links() -> None:
    """Check some of the links that are due; the rest are due still."""
    for _outcome in run_checks(Options(limit=BATCH, seconds=SECONDS)):
        pass
