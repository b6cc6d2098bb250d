"""An existing source, found while adding one for a citation, is used instead."""

import pytest
from django.urls import reverse

from allies.models import Source
from tests import factories
from tests.browser.test_editor_journey import page, sign_in, superuser  # noqa: F401 - fixtures

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("demo_data"),
]


def test_popup_uses_the_existing_source(page, live_server, superuser):  # noqa: F811
    known = Source.objects.get(key="dw-2024-en")
    before = Source.objects.count()
    event = factories.event(("RUS", "host"), status="draft", cited=False)
    sign_in(page, live_server.url)
    page.goto(live_server.url + reverse("admin:allies_event_change", args=[event.pk]))
    page.click("#citations-group .add-row a")
    with page.expect_popup() as opened:
        page.click("#add_id_citations-0-source")
    popup = opened.value
    popup.fill("#id_key", "dw-again")
    popup.fill("#id_publisher", "Deutsche Welle")
    popup.fill("#id_title", "Remaining allies")
    popup.fill("#id_url", f"{known.url}?utm_source=x")
    popup.click("input[name=_save]")
    popup.wait_for_selector("#id_is_another[type=checkbox]")
    with popup.expect_event("close"):
        popup.click("a.use-source")
    assert page.input_value("#id_citations-0-source") == str(known.pk)
    page.click("input[name=_save]")
    page.wait_for_selector(".messagelist .success")
    assert event.citations.get().source == known
    assert Source.objects.count() == before
