"""Every permission granted or removed is logged: by whom, for whom and when."""

import io

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.management.commands.changepassword import Command as ChangePassword
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from allies.accounts import two_factor
from allies.accounts.permission_audit import describe_change
from allies.models import RightsChange
from tests.accounts import DESK, PASSWORD

pytestmark = pytest.mark.django_db


def told():
    found = RightsChange.objects.order_by("pk").select_related("by")
    return [(one.by and one.by.username, one.whom, one.what, one.given) for one in found]


@pytest.fixture
def superuser(superuser):
    """A superuser, with an empty log."""
    RightsChange.objects.all().delete()
    return superuser


@pytest.fixture
def keeper(superuser):
    client = Client()
    client.force_login(superuser)
    return client


def test_account_created_and_changed_in_its_form(keeper):
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


def test_group_permissions_changed_in_its_form(keeper):
    group = Group.objects.get(name="Editors")
    right = Permission.objects.exclude(group=group).get(codename="publish_alliance")
    keeper.post(
        f"{DESK}auth/group/{group.pk}/change/", {"name": "Editors", "permissions": [right.pk]}
    )
    changes = told()
    assert ("root", "Editors", f"allies.{right.codename}", True) in changes
    assert all(not given for *_rest, what, given in changes if what != f"allies.{right.codename}")


@pytest.mark.parametrize("way", ["add", "set", "reverse", "clear", "reverse clear"])
def test_every_way_to_change_groups_is_logged(superuser, way):
    editors = Group.objects.get(name="Editors")
    if "clear" in way:
        superuser.groups.add(editors)
        RightsChange.objects.all().delete()
    {
        "add": lambda: superuser.groups.add(editors),
        "set": lambda: superuser.groups.set([editors]),
        "reverse": lambda: editors.user_set.add(superuser),
        "clear": superuser.groups.clear,
        "reverse clear": editors.user_set.clear,
    }[way]()
    assert told() == [(None, "root", "Editors", "clear" not in way)]


def test_direct_permission_and_deleted_account(superuser):
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


def test_log_is_visible_to_account_managers_and_read_only(keeper, superuser, reviewer):
    one = RightsChange.objects.first()
    page = keeper.get(f"{DESK}allies/rightschange/").content.decode()
    assert "rita" in page
    assert keeper.get(f"{DESK}allies/rightschange/add/").status_code == 403
    assert keeper.post(f"{DESK}allies/rightschange/{one.pk}/delete/").status_code == 403
    keeper.post(f"{DESK}allies/rightschange/{one.pk}/change/", {"whom": "x"})
    one.refresh_from_db()
    assert one.whom != "x"
    other = Client()
    other.force_login(reviewer)
    assert other.get(f"{DESK}allies/rightschange/").status_code == 403


def happened():
    """Return the log as (by, whom, text on the page)."""
    found = RightsChange.objects.order_by("pk")
    return [(one.by_name, one.whom, describe_change(one)) for one in found]


def test_changes_to_sign_in_methods_are_logged(keeper, staff_user):
    TOTPDevice.objects.create(user=staff_user, confirmed=True)
    ana_signed_in = Client()
    ana_signed_in.force_login(staff_user)
    RightsChange.objects.all().delete()
    words = dict.fromkeys(("password1", "password2"), "correct horse battery")
    page = f"{DESK}auth/user/{staff_user.pk}/password/"
    keeper.post(page, {**words, "usable_password": "true", "set-password": "1"})
    keeper.post(page, {"usable_password": "false", "unset-password": "1"})
    for action in ("end_sessions", "disable_two_factor"):
        keeper.post(f"{DESK}auth/user/", {"action": action, "_selected_action": [staff_user.pk]})
    keeper.post(f"{DESK}auth/user/{staff_user.pk}/delete/", {"post": "yes"})
    assert happened() == [
        ("root", "ana", "Password set"),
        ("root", "ana", "Password removed"),
        ("root", "ana", "Sessions ended"),
        ("root", "ana", "Two-factor authentication removed"),
        ("root", "ana", "Account deleted"),
    ]
    shown = keeper.get(f"{DESK}allies/rightschange/").content.decode()
    for _by, _whom, text in happened():
        assert text in shown
    indonesian = keeper.get("/id/admin/allies/rightschange/").content.decode()
    assert "Kata sandi ditetapkan" in indonesian
    assert "Autentikasi dua faktor dicabut" in indonesian


def test_own_two_factor_changes_are_logged(staff_user):
    RightsChange.objects.all().delete()
    app = two_factor.start_setup(staff_user)
    assert not RightsChange.objects.exists()
    two_factor.confirm_setup(staff_user, f"{TOTP(app.bin_key).token():06d}")
    two_factor.new_recovery_codes(staff_user)
    two_factor.verify_code(staff_user, "000000")
    two_factor.disable(staff_user)
    assert [text for _by, _whom, text in happened()] == [
        "Two-factor authentication set up",
        "Recovery codes created",
        "Two-factor authentication removed",
    ]


def test_accounts_and_passwords_changed_by_commands_are_logged(superuser, monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "correct horse battery")
    call_command("createsuperuser", "--noinput", username="boss", email="b@example.org")
    call_command(TypedPassword(), "boss")
    assert happened() == [
        ("", "boss", "Account created"),
        ("", "boss", "Account activated"),
        ("", "boss", "Access to the newsroom granted"),
        ("", "boss", "Made a superuser"),
        ("", "boss", "Password set"),
    ]
    keeper = Client()
    keeper.force_login(superuser)
    assert "command line" in keeper.get(f"{DESK}allies/rightschange/").content.decode()


class TypedPassword(ChangePassword):
    """Django's command with a fixed password as input."""

    def __init__(self):
        super().__init__(stdout=io.StringIO(), stderr=io.StringIO())

    def _get_pass(self, prompt="Password: "):
        return "another correct horse"


def test_rehashed_password_is_not_logged(staff_user, settings):
    RightsChange.objects.all().delete()
    md5 = "django.contrib.auth.hashers.MD5PasswordHasher"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher", md5]
    stored = staff_user.password
    Client().post(f"{DESK}login/", {"username": "ana", "password": PASSWORD})
    staff_user.refresh_from_db()
    assert staff_user.password != stored
    assert not RightsChange.objects.exists()
    staff_user.password = make_password("set past set_password")
    staff_user.save()
    assert [text for *_rest, text in happened()] == ["Password set"]


def test_renames_and_new_groups_are_logged(keeper, staff_user):
    RightsChange.objects.all().delete()
    form = {"username": "anna", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    page = f"{DESK}auth/user/{staff_user.pk}/change/"
    keeper.post(page, form | {"is_active": "on", "is_staff": "on"})
    # A group may have the name of one of our own keys.
    keeper.post(f"{DESK}auth/group/add/", {"name": "password"})
    group = Group.objects.get(name="password")
    staff_user.groups.add(group)
    keeper.post(f"{DESK}auth/group/{group.pk}/change/", {"name": "Press"})
    keeper.post(f"{DESK}auth/group/{group.pk}/delete/", {"post": "yes"})
    assert [(whom, text) for _by, whom, text in happened()] == [
        ("anna", "Renamed from “ana”"),
        ("password", "Group created"),
        ("ana", "Granted: password"),
        ("Press", "Renamed from “password”"),
        ("anna", "Removed: Press"),
        ("Press", "Group deleted"),
    ]


def test_log_keeps_the_name_of_a_deleted_account(keeper, superuser):
    other = User.objects.create_superuser("other", password=PASSWORD)
    client = Client()
    client.force_login(other)
    words = dict.fromkeys(("password1", "password2"), "correct horse battery")
    client.post(f"{DESK}auth/user/add/", {"username": "tool", "usable_password": "true"} | words)
    client.post(f"{DESK}auth/user/{other.pk}/delete/", {"post": "yes"})
    assert not User.objects.filter(username="other").exists()
    assert ("other", "tool", "Account created") in happened()
    assert ("other", "other", "Account deleted") in happened()
    page = keeper.get(f"{DESK}allies/rightschange/", {"q": "other"}).content.decode()
    assert "Account created" in page


@pytest.mark.parametrize("way", ["page", "action"])
def test_user_who_deletes_the_own_account_is_named(way, superuser):
    app = TOTPDevice.objects.create(user=superuser, confirmed=True)
    client = Client()
    client.force_login(superuser)
    session = client.session
    session["otp_device_id"] = app.persistent_id
    session.save()
    sent = {"post": "yes", "action": "delete_selected", "_selected_action": [superuser.pk]}
    page = f"{superuser.pk}/delete/" if way == "page" else ""
    client.post(f"{DESK}auth/user/{page}", sent)
    assert not User.objects.exists()
    connection.check_constraints()  # as at the end of a transaction
    assert happened()[-1] == ("root", "root", "Account deleted")


def test_unsaved_fields_are_not_logged(staff_user):
    RightsChange.objects.all().delete()
    staff_user.is_superuser = True
    staff_user.save(update_fields=["last_login"])
    assert not RightsChange.objects.exists()
