"""`make run`: prepares the site, runs it, and leaves nothing behind."""

import signal

import pytest

from tests.processes import free_port, listens
from tests.site import Site, wait_for

pytestmark = pytest.mark.once


@pytest.fixture
def fresh(tmp_path):
    """Return a site of which there is nothing yet."""
    (tmp_path / "data").mkdir()
    site = Site(tmp_path / "data")
    yield site
    site.stop()


def test_one_that_is_ended_while_it_starts_leaves_nothing_running(fresh):
    port = free_port()
    served = fresh.start("manage.py", "serve", "--port", port)
    wait_for(lambda: listens(port), 120)
    served.send_signal(signal.SIGTERM)
    assert served.wait(60) == 0
    assert not listens(port)


def test_a_database_that_is_away_is_told_in_one_sentence(fresh):
    fresh.environment["DATABASE_URL"] = f"postgres://nobody@127.0.0.1:{free_port()}/none"
    said = fresh.manage("serve", "--port", free_port(), check=False)
    assert "The database of DATABASE_URL does not answer" in said
    assert "Traceback" not in said
