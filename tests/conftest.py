"""Shared fixtures: users by role, the starter content, live sites and a browser."""

import os
import shutil
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.test import Client, TransactionTestCase
from django.utils import translation

import tests.hypothesis_profiles  # noqa: F401  # loads the profile
from allies.models import (
    Alias,
    Alliance,
    AllyList,
    Citation,
    Country,
    Entry,
    Event,
    KeyEvent,
    Membership,
    Participation,
    SearchText,
    SeeAlso,
    Source,
    Spell,
)
from allies.page_cache.store import page_store
from tests.live_site import LiveSiteFactory
from tests.pytest_env import REQUIRE_ALL
from tests.template_database import TemplateDatabase

SHARED = Path(__file__).resolve().parents[2] / "shared"


def skip_or_fail_missing(what):
    """Skip a test because a program is missing, or fail it if TESTS_REQUIRE_ALL is set."""
    if REQUIRE_ALL:
        pytest.fail(f"{what} is needed here and not on this machine")
    pytest.skip(f"{what} is not on this machine")


@pytest.fixture(autouse=True)
def empty_caches():
    """Start each test with empty caches and no active language."""
    cache.clear()
    page_store.clear()
    translation.deactivate()  # requests do not reset their language


@pytest.fixture
def no_page_cache(settings):
    """Disable the page cache, for tests of the cost of rendering."""
    settings.PAGE_CACHE_BYTES = 0


@pytest.fixture
def shared():
    """Return the folder with real published files, which are not part of the project."""
    if not (SHARED / "data").is_dir():
        pytest.skip("the folder of real data files is not beside this checkout")
    return SHARED


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment, django_db_modify_db_settings, django_db_blocker):
    """Create the test database with the starter content; restore it after tests that commit."""
    with django_db_blocker.unblock():
        database = TemplateDatabase.of_connection()
        database.create()
    with pytest.MonkeyPatch.context() as patch:
        # Django would empty all tables here.
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: database.restore())
        yield


@pytest.fixture
def demo_data(db):
    """Mark tests that need the starter content. Every test database has it."""


#: The alliances that the founding article is about.
FOUNDING_ALLIANCES = (
    "china-russia-no-limits-partnership",
    "iran-russia-economic-and-military-ties",
    "north-korea-russia-comprehensive-strategic-partnership",
    "north-korea-russia-friendship-treaty-2000",
)


@pytest.fixture
def few_ties(db):
    """Delete all alliances except four, so that most countries have only the ties of the test."""
    _delete_alliances(Alliance.objects.exclude(slug__in=FOUNDING_ALLIANCES))


@pytest.fixture
def no_ties(db):
    """Delete all alliances; countries, sources and events are left."""
    Event.objects.update(alliance=None)
    _delete_alliances(Alliance.objects.all())


def _delete_alliances(alliances):
    for rows in (
        Citation.objects.filter(alliance__in=alliances),
        Citation.objects.filter(membership__alliance__in=alliances),
        Alias.objects.filter(alliance__in=alliances),
        Membership.objects.filter(alliance__in=alliances),
        alliances,
    ):
        rows._raw_delete(rows.db)


@pytest.fixture
def empty_database(db):
    """Delete all records, for tests of an empty site."""
    for model in (Citation, SeeAlso, KeyEvent, Entry, AllyList, Participation, Event, Membership):
        model.objects.all()._raw_delete(model.objects.db)
    for model in (Alliance, Alias, Spell):
        model.objects.all()._raw_delete(model.objects.db)
    Source.objects.update(derived_from=None, origin=None)
    Source.objects.all()._raw_delete(Source.objects.db)
    Country.objects.update(successor=None)
    Country.objects.all()._raw_delete(Country.objects.db)
    SearchText.objects.all().delete()


def _member(name, group):
    user = User.objects.create_user(name, password="a-long-pass-phrase", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    return user


@pytest.fixture(scope="session")
def live_site_factory(tmp_path_factory):
    """Return a factory of sites in real processes, on the database of this test run."""
    factory = LiveSiteFactory(tmp_path_factory.mktemp("sites"), os.environ.get("DATABASE_URL", ""))
    yield factory
    factory.stop()


@pytest.fixture
def live_site(live_site_factory):
    """Return a new site with the starter content, in real processes."""
    made = live_site_factory.new()
    yield made
    made.stop()


@pytest.fixture
def eager_tasks(settings, django_capture_on_commit_callbacks):
    """Return a context manager in which jobs run as soon as they are queued."""
    settings.TASKS = {"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}}
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def editor(db):
    """Return a user who can edit drafts."""
    return _member("edi", "Editors")


@pytest.fixture
def reviewer(db):
    """Return a user who can publish."""
    return _member("rita", "Reviewers")


@pytest.fixture
def data_manager(db):
    """Return a user who can import and export."""
    return _member("dana", "Data managers")


@pytest.fixture
def login_as():
    """Return a function that returns a client signed in as a user."""

    def client(user):
        visitor = Client()
        visitor.force_login(user)
        return visitor

    return client


@pytest.fixture
def client():
    """Return a client that is not signed in."""
    return Client()


@pytest.fixture(scope="session")
def chromium(live_server):
    """Return the Chromium of this machine. It closes before the live server does."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        skip_or_fail_missing("chromium")
    from tests.browser.driver import launched

    with launched(path) as browser:
        yield browser
