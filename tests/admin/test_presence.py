"""Which other users have a record open."""

import pytest
from django.urls import reverse

from allies.models import Status
from tests import factories
from tests.admin.test_permissions import change

pytestmark = pytest.mark.usefixtures("demo_data")


@pytest.fixture
def draft():
    return factories.event(("RUS", "host"), status=Status.DRAFT, title_en="Unseen visit")


def test_other_editors_of_an_open_record_are_shown(draft, editor, reviewer, data_manager, login_as):
    login_as(editor).get(change(draft))
    page = login_as(reviewer).get(change(draft)).content.decode()
    assert "Also editing: edi" in page
    open_at = reverse("admin:allies_event_open", args=[draft.pk])
    assert login_as(editor).post(open_at).json()["others"].startswith("Also editing: rita")
    assert login_as(data_manager).post(open_at).status_code == 403
