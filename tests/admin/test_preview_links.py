"""Preview links: drafts for people without an account, until a link ends."""

import datetime as dt

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from allies.models import PreviewLink, Status
from tests import factories
from tests.admin.test_page_links import links_of

pytestmark = pytest.mark.usefixtures("demo_data")


def links_to(record):
    return reverse(f"admin:allies_{record._meta.model_name}_links", args=[record.pk])


@pytest.fixture
def draft():
    return factories.event(("RUS", "host"), status=Status.DRAFT, title_en="Unseen visit")


def test_preview_link_shows_a_draft_until_it_is_revoked(draft, editor, login_as, client):
    signed = login_as(editor)
    signed.post(links_to(draft), {"days": "7", "purpose": "The embassy"})
    address = signed.get(links_to(draft)).context["links"][0][1]
    page = client.get(address)
    assert "Unseen visit" in page.content.decode()
    assert "Preview:" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert "noindex" in page["X-Robots-Tag"]
    assert page["Referrer-Policy"] == "no-referrer"
    signed.post(links_to(draft), {"revoke": PreviewLink.objects.get().pk})
    assert client.get(address).status_code == 404


@pytest.mark.slow
@pytest.mark.sqlite_only
@pytest.mark.parametrize("kind", ["alliance", "event", "ally_list", "source"])
def test_every_link_on_a_previewed_draft_opens(kind, editor, login_as, client):
    made = {"alliance": ("RUS", "IND"), "event": (("RUS", "host"),), "ally_list": ("RUS", "CHN")}
    record = getattr(factories, kind)(*made.get(kind, ()), status=Status.DRAFT)
    signed = login_as(editor)
    signed.post(links_to(record), {"days": "7", "purpose": ""})
    address = signed.get(links_to(record)).context["links"][0][1]
    page = client.get(address).content.decode()
    elsewhere = ("/static/", "/en/admin/")
    paths = {link for link in links_of(page) if link[0] == "/" and not link.startswith(elsewhere)}
    assert len(paths) > 5
    broken = {path: client.get(path).status_code for path in paths}
    assert {path for path, status in broken.items() if status >= 400} == set()


def test_preview_link_to_a_published_record_leads_to_its_page(draft, editor, login_as, client):
    login_as(editor).post(links_to(draft), {"days": "7"})
    address = reverse("allies:preview", args=[PreviewLink.objects.get().token])
    unseen = "readers cannot see this record"
    assert unseen in client.get(address).content.decode()
    factories.cite(draft)
    type(draft).objects.filter(pk=draft.pk).update(status=Status.PUBLISHED)
    page = client.get(address).content.decode()
    assert unseen not in page
    assert f'<a href="{draft.get_absolute_url()}">Open the public page</a>' in page


def test_preview_link_expires_and_cannot_be_forged(draft, editor, login_as, client):
    login_as(editor).post(links_to(draft), {"days": "1"})
    link = PreviewLink.objects.get()
    address = reverse("allies:preview", args=[link.token])
    assert client.get(address).status_code == 200
    assert client.get(address[:-4] + "AAA/").status_code == 404
    assert client.get(reverse("allies:preview", args=[str(link.pk)])).status_code == 404
    PreviewLink.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    assert client.get(address).status_code == 404


def _deactivate(account):
    account.is_active = False
    account.save()


def _take_staff(account):
    account.is_staff = False
    account.save()


def _demote(account):
    account.groups.clear()
    account.user_permissions.set(Permission.objects.filter(codename="view_source"))


def _empty_group(account):
    Group.objects.get(name="Editors").permissions.clear()


#: Ways in which an editor or reviewer loses the permission to see or publish draft events.
LOSSES = [_deactivate, _take_staff, lambda account: account.groups.clear()]


@pytest.mark.parametrize(
    "lose", [*LOSSES, _empty_group, lambda account: account.delete()], ids=range(5)
)
def test_preview_link_stops_when_its_creator_loses_the_permission(
    lose, draft, editor, reviewer, login_as, client
):
    login_as(editor).post(links_to(draft), {"days": "7"})
    login_as(reviewer).post(links_to(draft), {"days": "7"})
    lost, other = (
        reverse("allies:preview", args=[link.token])
        for link in PreviewLink.objects.order_by("created_by__username")
    )
    assert client.get(lost).status_code == 200
    lose(editor)
    assert client.get(lost).status_code == 404
    assert client.get(other).status_code == 200
    page = login_as(reviewer).get(links_to(draft))
    shown = {link.created_by.username: link.is_valid for link, _address in page.context["links"]}
    assert shown.pop("rita")
    assert not shown.get("edi")
    is_revoked = lose in (_deactivate, _take_staff)
    text = page.content.decode()
    told = "inactive: its creator may no longer see this draft" in text
    assert told == ("edi" in shown and not is_revoked)
    assert ("<td>revoked</td>" in text) == is_revoked


@pytest.mark.parametrize("flag", ["is_active", "is_staff"])
def test_preview_links_of_a_deactivated_account_stay_revoked(
    flag, draft, editor, reviewer, login_as, client
):
    login_as(editor).post(links_to(draft), {"days": "7"})
    login_as(reviewer).post(links_to(draft), {"days": "7"})
    for value in (False, True):
        setattr(editor, flag, value)
        editor.save()
    old, of_other = (
        reverse("allies:preview", args=[link.token])
        for link in PreviewLink.objects.order_by("created_by__username")
    )
    assert client.get(old).status_code == 404
    assert client.get(of_other).status_code == 200
    login_as(editor).post(links_to(draft), {"days": "7"})
    new = reverse("allies:preview", args=[PreviewLink.objects.latest("pk").token])
    assert client.get(new).status_code == 200


def test_preview_link_needs_the_permission_for_that_record_type(draft, editor, login_as, client):
    login_as(editor).post(links_to(draft), {"days": "7"})
    address = reverse("allies:preview", args=[PreviewLink.objects.get().token])
    _demote(editor)
    assert client.get(address).status_code == 404
    editor.user_permissions.set(Permission.objects.filter(codename="view_event"))
    assert client.get(address).status_code == 200


def test_superuser_links_work_and_the_page_query_count_is_constant(draft, login_as, client):
    counts = []
    for number in (1, 9):
        for n in range(number):
            boss = User.objects.create_superuser(f"boss-{number}-{n}")
            login_as(boss).post(links_to(draft), {"days": "7"})
        link = PreviewLink.objects.latest("pk")
        assert client.get(reverse("allies:preview", args=[link.token])).status_code == 200
        signed = login_as(boss)
        signed.get(links_to(draft))
        with CaptureQueriesContext(connection) as queries:
            signed.get(links_to(draft))
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("who", ["data_manager"])
def test_users_without_change_permission_create_no_preview_links(
    who, draft, request, login_as, client
):
    signed = login_as(request.getfixturevalue(who))
    assert signed.post(links_to(draft), {"days": "7"}).status_code == 403
    assert client.post(links_to(draft), {"days": "7"}).status_code == 302
    assert not PreviewLink.objects.exists()
