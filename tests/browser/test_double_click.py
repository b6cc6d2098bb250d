"""A double click on a button has the effect of one click, with and without JavaScript."""

import pytest

from tests.browser.driver import opened
from tests.browser.test_editor_journey import PASSWORD

pytestmark = pytest.mark.browser

REVIEWER = f"""
from django.contrib.auth.models import Group, User
user = User.objects.create_user("rita", password={PASSWORD!r}, is_staff=True)
user.groups.add(Group.objects.get(name="Reviewers"))
"""

COUNT = """
from allies.models import Event
print(Event.objects.filter(title_en="Two clicks").count())
"""


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_double_click_on_save_creates_one_event(live_site, chromium, script):
    live_site.shell(REVIEWER)
    address = f"{live_site.serve()}/en/admin"
    page = opened(chromium, viewport={"width": 1280, "height": 900}, java_script_enabled=script)
    page.goto(f"{address}/allies/event/add/")
    page.fill("#id_username", "rita")
    page.fill("#id_password", PASSWORD)
    page.click("input[type=submit]")
    page.select_option("#id_kind", "visit")
    page.fill("#id_title_en", "Two clicks")
    page.fill("#id_date", "2024")
    page.locator("input[name=_save]").last.dblclick()
    page.wait_for_selector("li.success")
    assert "was added successfully" in page.inner_text("li.success")
    assert live_site.shell(COUNT) == "1"
