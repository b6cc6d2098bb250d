"""Editions in the admin: all staff can read them; reviewers create and retract them."""

import pytest
from django.urls import reverse

from allies.models import AllyList, Edition
from tests.admin.test_permissions import change

pytestmark = pytest.mark.usefixtures("demo_data")


@pytest.fixture
def asia():
    return AllyList.objects.get(slug="russia-allies-in-asia")


def editions_of(ally_list):
    return reverse("admin:allies_allylist_editions", args=[ally_list.pk])


@pytest.mark.parametrize("who", ["editor", "data_manager"])
def test_users_without_publish_permission_only_read_editions(who, asia, request, login_as):
    client = login_as(request.getfixturevalue(who))
    AllyList.objects.filter(pk=asia.pk).update(title_en="Changed")
    page = client.get(editions_of(asia))
    assert "russia-allies-in-asia-1" in page.content.decode()
    assert "Create a new edition" not in page.content.decode()
    assert client.post(editions_of(asia)).status_code == 403
    edition = Edition.objects.get(key="russia-allies-in-asia-1")
    assert 'name="retraction"' not in client.get(change(edition)).content.decode()
    assert client.post(change(edition), {"retraction": "No"}).status_code == 403
    assert not Edition.objects.exclude(retracted_at=None).exists()
    assert Edition.objects.filter(ally_list=asia).count() == 1


def test_reviewer_creates_an_edition_only_if_something_changed(asia, reviewer, login_as):
    client = login_as(reviewer)
    page = client.post(editions_of(asia), follow=True).content.decode()
    assert "the list is the same as edition 1" in page
    assert "Create a new edition" not in page
    AllyList.objects.filter(pk=asia.pk).update(title_en="Changed")
    assert "title, introduction or scope changed" in client.get(editions_of(asia)).content.decode()
    page = client.post(editions_of(asia), {"note": "Why"}, follow=True).content.decode()
    assert "Edition 2 created." in page
    made = Edition.objects.get(key="russia-allies-in-asia-2")
    assert (made.note, made.made_by, made.data["edition"]["note"]) == ("Why", reviewer, "Why")


def test_reviewer_retracts_with_a_reason(reviewer, login_as):
    edition = Edition.objects.get(key="russia-allies-in-asia-1")
    client = login_as(reviewer)
    assert "Give a reason" in client.post(change(edition), {"retraction": ""}).content.decode()
    page = client.post(change(edition), {"retraction": "A court order"}, follow=True)
    assert "A court order" in page.content.decode()
    edition.refresh_from_db()
    assert (edition.retracted_by, edition.retraction) == (reviewer, "A court order")


def test_editions_cannot_be_added_changed_or_deleted(admin_client):
    edition = Edition.objects.earliest("pk")
    assert admin_client.get(reverse("admin:allies_edition_add")).status_code == 403
    delete = reverse("admin:allies_edition_delete", args=[edition.pk])
    assert admin_client.post(delete, {"post": "yes"}).status_code == 403
    admin_client.post(change(edition), {"content": "{}", "number": "9"})
    assert Edition.objects.get(pk=edition.pk).number == edition.number
    assert (
        "delete_selected"
        not in admin_client.get(reverse("admin:allies_edition_changelist")).content.decode()
    )


def test_draft_has_no_edition(asia, editor, login_as):
    AllyList.objects.filter(pk=asia.pk).update(status="draft")
    page = login_as(editor).get(editions_of(asia)).content.decode()
    assert "no edition can be created" in page
