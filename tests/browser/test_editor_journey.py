"""An editor signs in, adds a source and an event, and publishes; a reader finds the event."""

import re

import pytest
from django.contrib.auth.models import User

from allies.models import Event
from tests.browser.driver import opened

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("demo_data"),
]

PASSWORD = "a-long-pass-phrase"


@pytest.fixture
def page(chromium):
    page = opened(chromium, viewport={"width": 1280, "height": 900})
    page.set_default_timeout(15_000)
    yield page
    page.context.close()


@pytest.fixture
def superuser(transactional_db):
    return User.objects.create_superuser("chief", password=PASSWORD)


def sign_in(page, site):
    page.goto(f"{site}/en/admin/")
    page.fill("#id_username", "chief")
    page.fill("#id_password", PASSWORD)
    page.click("input[type=submit]")
    page.wait_for_selector("#user-tools")


def choose(page, field, text, wanted):
    """Choose a record in an autocomplete field: open it, type, click."""
    page.locator(f"#{field}").locator("xpath=following-sibling::span").first.click()
    page.fill(".select2-search__field", text)
    page.locator(".select2-results__option", has_text=wanted).first.click()


@pytest.mark.core
def test_editor_adds_a_source_and_an_event_and_readers_find_it(page, live_server, superuser):
    site = live_server.url
    sign_in(page, site)

    page.goto(f"{site}/en/admin/allies/source/add/")
    page.fill("#id_key", "gazette-2025")
    page.fill("#id_publisher", "The Gazette")
    page.fill("#id_title", "Two ministers meet")
    page.fill("#id_url", "https://gazette.example/ministers")
    page.fill("#id_date_published", "May 2025")
    page.fill("#id_language", "en")
    page.click("button.step-publish")
    page.wait_for_selector(".messagelist .success")

    page.goto(f"{site}/en/admin/allies/event/add/")
    page.select_option("#id_kind", "visit")
    page.fill("#id_title_en", "Ministers meet in Jakarta")
    page.fill("#id_title_ind", "Para menteri bertemu di Jakarta")
    page.fill("#id_date", "19 Mei 2025")
    page.click("#participations-group .add-row a")
    choose(page, "id_participations-0-country", "korut", "North Korea")
    page.select_option("#id_participations-0-role", "visitor")
    page.click("#citations-group .add-row a")
    choose(page, "id_citations-0-source", "gazette", "The Gazette")
    page.click("button.step-publish")
    page.wait_for_selector(".messagelist .success")
    assert Event.objects.get(slug="ministers-meet-in-jakarta").date == "2025-05-19"

    for language, title, day in (
        ("en", "Ministers meet in Jakarta", "19 May 2025"),
        ("id", "Para menteri bertemu di Jakarta", "19 Mei 2025"),
    ):
        page.goto(f"{site}/{language}/events/?country=DPRK")
        page.click(f"text={title}")
        assert page.inner_text("h1") == title
        assert day in page.inner_text("main")
        assert "The Gazette" in page.inner_text(".evidence")
    assert page.problems == []


def test_public_pages_work_without_javascript_and_by_keyboard(chromium, live_server):
    page = opened(chromium, java_script_enabled=False)
    page.goto(f"{live_server.url}/en/")
    page.keyboard.press("Tab")
    assert page.inner_text(":focus") == "Skip to content"
    page.fill("#find", "korut")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=korut")
    page.click(".hits a.title")
    page.click("a.action")
    page.select_option("#id_kind", "defence-pact")
    page.keyboard.press("Tab")
    page.click(".filters button")
    assert re.search("kind=defence-pact", page.url)
    assert page.locator("tbody th a").all_inner_texts() == ["China", "Russia"]
    page.context.close()
