"""What a record lacks to be published, listed in its form."""

import pytest

from allies.models import Membership, Status
from tests import factories
from tests.admin.test_permissions import change, form_of

pytestmark = pytest.mark.usefixtures("demo_data")


def test_missing_data_is_listed_at_once_with_links(reviewer, login_as):
    alliance = factories.alliance(
        "RUS", status=Status.DRAFT, cited=False, title_en="", title_ind=""
    )
    alliance.signed, alliance.ended = "1990", "2000"
    alliance.save()
    Membership.objects.create(alliance=alliance, country=factories.country("IND"), joined="2005")
    page = login_as(reviewer).get(change(alliance)).content.decode()
    for place, text in (
        ("#citations-group", "Add a citation of a published source that supports this."),
        ("#id_title_en", "Enter a title in at least one language."),
        ("#memberships-group", "India: The country joined after the alliance ended."),
    ):
        assert f'<a href="{place}">{text}</a>' in page
    login_as(reviewer).post(change(alliance), form_of(login_as(reviewer), change(alliance)))
    Membership.objects.filter(alliance=alliance).last().delete()
    assert "at least two members" in login_as(reviewer).get(change(alliance)).content.decode()


def test_entry_without_a_source_is_linked(reviewer, login_as):
    ally_list = factories.ally_list("RUS", "CHN", status=Status.DRAFT, cited=False)
    page = login_as(reviewer).get(change(ally_list)).content.decode()
    assert f'href="{change(ally_list.entries.get())}#citations-group"' in page
