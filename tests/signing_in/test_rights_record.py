"""Every right given or taken is on record: who did it, to whom, when; whichever way."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from allies.models import RightsChange
from tests.signing_in import DESK

pytestmark = pytest.mark.django_db


def told():
    found = RightsChange.objects.order_by("pk").select_related("by")
    return [(one.by and one.by.username, one.whom, one.what, one.given) for one in found]


@pytest.fixture
def root(root):
    """Who keeps the accounts, before anything is on record."""
    RightsChange.objects.all().delete()
    return root


@pytest.fixture
def keeper(root):
    client = Client()
    client.force_login(root)
    return client


def test_an_account_made_and_given_rights_in_its_form(keeper):
    name = {"username": "ana", "usable_password": "true"}
    words = dict.fromkeys(("password1", "password2"), "correct horse battery")
    keeper.post(f"{DESK}auth/user/add/", name | words)
    ana = User.objects.get(username="ana")
    assert told() == [("root", "ana", "account", True), ("root", "ana", "is_active", True)]
    RightsChange.objects.all().delete()
    form = {
        "username": "ana",
        "is_active": "on",
        "is_staff": "on",
        "groups": [Group.objects.get(name="Editors").pk],
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
    }
    keeper.post(f"{DESK}auth/user/{ana.pk}/change/", form)
    assert set(told()) == {("root", "ana", "is_staff", True), ("root", "ana", "Editors", True)}
    RightsChange.objects.all().delete()
    keeper.post(f"{DESK}auth/user/{ana.pk}/change/", form | {"groups": []})
    assert told() == [("root", "ana", "Editors", False)]


def test_the_rights_of_a_group_changed(keeper):
    group = Group.objects.get(name="Editors")
    right = Permission.objects.exclude(group=group).get(codename="publish_alliance")
    keeper.post(
        f"{DESK}auth/group/{group.pk}/change/", {"name": "Editors", "permissions": [right.pk]}
    )
    changes = told()
    assert ("root", "Editors", f"allies.{right.codename}", True) in changes
    assert all(not given for *_rest, what, given in changes if what != f"allies.{right.codename}")


@pytest.mark.parametrize("way", ["add", "set", "reverse", "clear", "reverse clear"])
def test_each_way_is_noticed(root, way):
    editors = Group.objects.get(name="Editors")
    if "clear" in way:
        root.groups.add(editors)
        RightsChange.objects.all().delete()
    {
        "add": lambda: root.groups.add(editors),
        "set": lambda: root.groups.set([editors]),
        "reverse": lambda: editors.user_set.add(root),
        "clear": root.groups.clear,
        "reverse clear": editors.user_set.clear,
    }[way]()
    assert told() == [(None, "root", "Editors", "clear" not in way)]


def test_a_right_of_ones_own_and_the_end_of_an_account(root):
    right = Permission.objects.get(codename="publish_alliance")
    ana = User.objects.create_user("ana")
    ana.user_permissions.add(right)
    ana.delete()
    assert told() == [
        (None, "ana", "account", True),
        (None, "ana", "is_active", True),
        (None, "ana", "allies.publish_alliance", True),
        (None, "ana", "account", False),
    ]


def test_the_record_is_read_by_who_keeps_accounts_and_changed_by_nobody(keeper, root, rita):
    one = RightsChange.objects.first()
    page = keeper.get(f"{DESK}allies/rightschange/").content.decode()
    assert "rita" in page
    assert keeper.get(f"{DESK}allies/rightschange/add/").status_code == 403
    assert keeper.post(f"{DESK}allies/rightschange/{one.pk}/delete/").status_code == 403
    keeper.post(f"{DESK}allies/rightschange/{one.pk}/change/", {"whom": "x"})
    one.refresh_from_db()
    assert one.whom != "x"
    other = Client()
    other.force_login(rita)
    assert other.get(f"{DESK}allies/rightschange/").status_code == 403
