"""Users cannot grant or take over permissions they lack, at any address of the admin."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allies.models import RightsChange
from tests.accounts import DESK, PASSWORD
from tests.hypothesis_profiles import examples
from tests.test_roles import address, patterns

pytestmark = pytest.mark.django_db

#: Apps whose permissions concern accounts, sessions and sign-ins.
AUTH_APPS = ("auth", "admin", "sessions", "contenttypes", "axes", "otp_totp", "otp_static")
#: The permissions that open pages about accounts and groups.
KEYS = [f"{action}_{noun}" for noun in ("user", "group") for action in ("add", "change", "view")]
KEYS += ["delete_user", "delete_group"]


@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("en", ["Editors", "Reviewers", "Data managers"]),
        ("id", ["Penyunting", "Peninjau", "Pengelola data"]),
    ],
)
def test_built_in_groups_are_named_in_the_users_language(language, names, admin_client):
    Group.objects.create(name="Events")  # a custom group whose name is also a translated text
    for path in ("auth/group/", "auth/user/", f"auth/user/{User.objects.get().pk}/change/"):
        page = admin_client.get(f"/{language}/admin/{path}", follow=True).content.decode()
        for name in [*names, "Events"]:
            assert f">{name}<" in page, path


def permission(codename):
    return Permission.objects.get(codename=codename)


@pytest.fixture
def people(editor, reviewer, data_manager):
    """Accounts and groups of every kind, each account with a second factor and a session."""
    Group.objects.create(name="Empty")
    keepers = Group.objects.create(name="Keepers")
    keepers.permissions.set(Permission.objects.filter(codename__in=KEYS))
    everyone = [
        editor,
        reviewer,
        data_manager,
        User.objects.create_superuser("root", password=PASSWORD),
        User.objects.create_superuser("old-root", password=PASSWORD, is_active=False),
        User.objects.create_user("reader", password=PASSWORD),
        User.objects.create_user("writer", password=PASSWORD, is_staff=True),
        User.objects.create_user("retired", password=PASSWORD, is_staff=True),
        User.objects.create_user("holder", password=PASSWORD),
    ]
    User.objects.get(username="retired").groups.add(Group.objects.get(name="Reviewers"))
    User.objects.filter(username="retired").update(is_active=False)
    User.objects.get(username="holder").user_permissions.add(permission("publish_event"))
    for account in everyone:
        TOTPDevice.objects.create(user=account, confirmed=True)
        StaticDevice.objects.create(user=account)
        Client().force_login(account)


def mallory(permissions, *, by_group=False):
    """Return a staff account with these permissions, and a client that has just signed in."""
    account = User.objects.create_user("mallory", password=PASSWORD, is_staff=True)
    if by_group:
        group = Group.objects.create(name="Mallory's")
        group.permissions.set(permissions)
        account.groups.add(group)
    else:
        account.user_permissions.set(permissions)
    client = Client()
    client.force_login(account)
    return account, client


# State to compare before and after an attack.


def rights_of(account):
    """Return the permissions of an account, also those it would have if it were active."""
    flags = {flag for flag in ("is_staff", "is_superuser") if getattr(account, flag)}
    direct = account.user_permissions.values_list("codename", flat=True)
    by_group = Permission.objects.filter(group__user=account).values_list("codename", flat=True)
    return flags | {*direct, *by_group}


def rights():
    return {account.pk: rights_of(account) for account in User.objects.all()}


def group_rights():
    return {
        group.pk: {*group.permissions.values_list("codename", flat=True)}
        for group in Group.objects.all()
    }


def stored():
    """Return everything stored about each account, by id."""
    sessions = [session.get_decoded() for session in Session.objects.all()]
    return {
        account.pk: (
            *(account.username, account.email, account.password, account.is_active),
            {*account.totpdevice_set.values_list("pk", "key", "confirmed")},
            {*account.staticdevice_set.values_list("pk", flat=True)},
            sum(session.get("_auth_user_id") == str(account.pk) for session in sessions),
            rights_of(account),
        )
        for account in User.objects.all()
    }


# The attack.


def payloads():
    """Return forms that ask for everything: for accounts, groups, passwords and deletions."""
    everyone = [*Permission.objects.values_list("pk", flat=True)]
    flags = dict.fromkeys(("is_active", "is_staff", "is_superuser"), "on")
    dates = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    groups = [*Group.objects.values_list("pk", flat=True)]
    account = {**flags, **dates, "email": "mallory@example.org"}
    taken = {"password1": "taken over by mallory", "password2": "taken over by mallory"}
    return {
        "account": {**account, "groups": groups, "user_permissions": everyone},
        "plain account": account,
        "group": {"permissions": everyone},
        "plain group": {},
        "password": {**taken, "usable_password": "true", "set-password": "1"},
        "no password": {"usable_password": "false", "unset-password": "1"},
        "end": {"post": "yes"},
    }


#: View → names of the forms that are sent to it.
SENT = {
    "auth_user_change": ("account", "plain account"),
    "auth_user_password_change": ("password", "no password"),
    "auth_user_delete": ("end",),
    "auth_group_change": ("group", "plain group"),
    "auth_group_delete": ("end",),
}


def attack(client):
    """Send all forms to all pages about accounts and groups, plainly and as popups."""
    forms = payloads()
    new = {**forms["password"], **forms["account"]}
    for name, sent in (("minion", {}), ("imp", {"_popup": "1", "_to_field": "id"})):
        client.post(reverse("admin:auth_user_add"), {"username": name, **new, **sent})
        client.post(reverse("admin:auth_group_add"), {"name": name, **forms["group"], **sent})
        client.post(reverse("admin:auth_group_add"), {"name": name, **sent})
    popup = {"_popup": "1", "_to_field": "id", "_saveasnew": "1"}
    for view, names in SENT.items():
        model = User if "_user_" in view else Group
        for pk in model.objects.values_list("pk", flat=True):
            own = {"username": f"x{pk}", "name": f"x{pk}"}
            for number, name in enumerate(names):
                sent = {**own, **forms[name], **(popup if (pk + number) % 2 else {})}
                client.post(reverse(f"admin:{view}", args=[pk]), sent)
    for page in ("auth/user/root/change/?_to_field=username", "auth/user/"):
        rows = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "_save": "Save"}
        root = {"form-0-id": User.objects.filter(is_superuser=True).first().pk}
        client.post(DESK + page, {**forms["account"], **rows, **root, "form-0-is_active": ""})
    for noun, model in (("user", User), ("group", Group)):
        keys = [*model.objects.values_list("pk", flat=True)]
        for action in ("delete_selected", "end_sessions", "disable_two_factor"):
            for chosen in (keys, *([key] for key in keys if noun == "user")):
                sent = {"action": action, "_selected_action": chosen, "post": "yes"}
                client.post(f"{DESK}auth/{noun}/", sent)


def assert_nothing_was_taken(account, before):
    """Compare with ``before``, the state before the attack: (rights, group rights, stored)."""
    rights_before, groups_before, stored_before = before
    own = rights_before[account.pk]
    after = rights()
    assert after.get(account.pk, set()) <= own
    for pk, held in after.items():
        assert held <= rights_before.get(pk, set()) | own, User.objects.get(pk=pk)
    for pk, held in group_rights().items():
        assert held <= groups_before.get(pk, set()) | own, Group.objects.get(pk=pk)
    now = stored()
    for pk, held in rights_before.items():
        if not held <= own:
            assert now.get(pk) == stored_before[pk], stored_before[pk][0]
    for pk, held in groups_before.items():
        if not held <= own:
            assert group_rights()[pk] == held


def try_everything(permissions, *, by_group):
    account, client = mallory(permissions, by_group=by_group)
    before = rights(), group_rights(), stored()
    attack(client)
    assert_nothing_was_taken(account, before)


@pytest.mark.slow
@pytest.mark.sqlite_only
@pytest.mark.parametrize("codename", KEYS)
def test_no_single_permission_allows_escalation(codename, people):
    try_everything([permission(codename)], by_group=codename.endswith("_group"))


@pytest.mark.slow
@pytest.mark.sqlite_only
@pytest.mark.parametrize("by_group", [False, True], ids=["own", "by group"])
def test_all_account_permissions_together_allow_no_escalation(by_group, people):
    kept = Permission.objects.filter(content_type__app_label__in=AUTH_APPS)
    try_everything([*kept], by_group=by_group)


@pytest.mark.slow
@pytest.mark.sqlite_only
@settings(
    max_examples=examples(6),
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    keys=st.sets(st.sampled_from(KEYS), min_size=2),
    groups=st.sets(st.sampled_from(["Editors", "Reviewers", "Data managers", "Keepers"])),
    by_group=st.booleans(),
)
def test_no_combination_of_permissions_and_groups_allows_escalation(keys, groups, by_group, people):
    chosen = {*Permission.objects.filter(codename__in=keys)}
    chosen |= {*Permission.objects.filter(group__name__in=groups)}
    with transaction.atomic():
        try_everything([*chosen], by_group=by_group)
        transaction.set_rollback(True)


@pytest.mark.slow
@pytest.mark.sqlite_only
def test_no_admin_address_allows_escalation(people, demo_data):
    """With all permissions of these apps, send a form that asks for everything to every address."""
    kept = Permission.objects.filter(content_type__app_label__in=AUTH_APPS)
    account, client = mallory([*kept])
    before = rights(), group_rights(), stored()
    User.objects.filter(username="root").update(username="superuser")
    before[2].update(stored())
    everything = {key: value for form in payloads().values() for key, value in form.items()}
    for name, route in patterns().items():
        if name.startswith("admin:") and name != "admin:logout":
            client.get(address(route))
            client.post(address(route), {"username": "x", "name": "x", **everything})
    assert_nothing_was_taken(account, before)


# Allowed changes, and messages for refused ones.


def test_account_manager_grants_only_own_permissions(editor, reviewer, people):
    held = [*Permission.objects.filter(group__name__in=["Editors", "Keepers"]).distinct()]
    _account, client = mallory(held)
    writer = User.objects.get(username="writer")
    page = reverse("admin:auth_user_change", args=[writer.pk])
    form = {"username": "writer", "is_active": "on", "is_staff": "on"}
    form |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    editors, reviewers = (Group.objects.get(name=name) for name in ("Editors", "Reviewers"))
    offered = client.get(page).context["adminform"].form.fields["groups"].queryset
    assert {group.name for group in offered} == {"Editors", "Keepers", "Empty"}
    refused = client.post(page, {**form, "groups": [editors.pk, reviewers.pk]})
    assert "You can grant only permissions that you have yourself." in refused.content.decode()
    assert not writer.groups.exists()
    assert client.post(page, {**form, "groups": [editors.pk]}).status_code == 302
    assert [*writer.groups.all()] == [editors]
    assert (
        client.post(reverse("admin:auth_user_change", args=[reviewer.pk]), form).status_code == 403
    )
    assert client.get(reverse("admin:auth_group_change", args=[reviewers.pk])).status_code == 200
    assert client.post(reverse("admin:auth_group_delete", args=[reviewers.pk])).status_code == 403
    right = permission("publish_event")
    changed = reverse("admin:auth_group_change", args=[editors.pk])
    refused = client.post(changed, {"name": "Editors", "permissions": [right.pk]})
    assert "You can grant only permissions that you have yourself." in refused.content.decode()


def test_action_on_a_mixed_selection_does_nothing_and_names_the_account(reviewer, people):
    _account, client = mallory([*Permission.objects.filter(codename__in=KEYS)])
    reader = User.objects.get(username="reader")
    for action in ("end_sessions", "disable_two_factor"):
        sent = {"action": action, "_selected_action": [reviewer.pk, reader.pk]}
        page = client.post(reverse("admin:auth_user_changelist"), sent, follow=True)
        assert "permissions that you don’t have: rita." in page.content.decode()
    assert reader.totpdevice_set.exists()
    assert stored()[reader.pk][6] == 1
    assert not RightsChange.objects.filter(what__in=["sessions", "second_factor"], given=False)


@pytest.mark.parametrize("name", ["mallory", "root"])
@pytest.mark.parametrize("spelling", ["{}", "+{}", "0{}", "%20{}"])
def test_own_password_can_only_be_set_with_the_old_one(name, spelling, people):
    account, client = mallory([permission("change_user")])
    if name == "root":
        account = User.objects.get(username="root")
        client = Client()
        TOTPDevice.objects.filter(user=account).delete()
        client.force_login(account)
    page = f"{DESK}auth/user/{spelling.format(account.pk)}/password/"
    sent = {"password1": "taken over by mallory", "password2": "taken over by mallory"}
    answer = client.post(page, {**sent, "usable_password": "true", "set-password": "1"})
    assert (answer.status_code, answer["Location"]) == (302, f"{DESK}password_change/")
    account.refresh_from_db()
    assert account.check_password(PASSWORD)


def test_own_two_factor_is_not_disabled_by_the_action(superuser):
    client = Client()
    client.force_login(superuser)
    device = TOTPDevice.objects.create(user=superuser, confirmed=True)
    session = client.session
    session["otp_device_id"] = device.persistent_id
    session.save()
    sent = {"action": "disable_two_factor", "_selected_action": [superuser.pk]}
    page = client.post(f"{DESK}auth/user/", sent, follow=True).content.decode()
    assert "To turn off your own two-factor authentication" in page
    assert superuser.totpdevice_set.exists()


def test_lockout_is_lifted_only_with_permissions_of_the_account(reviewer, people):
    from axes.models import AccessAttempt

    attempt = {"ip_address": "203.0.113.7", "failures_since_start": 10}
    locked = AccessAttempt.objects.create(username="rita", **attempt)
    free = AccessAttempt.objects.create(username="reader", **attempt)
    _account, client = mallory([permission("delete_accessattempt"), permission("view_user")])
    for one, status in ((locked, 403), (free, 302)):
        page = reverse("admin:axes_accessattempt_delete", args=[one.pk])
        assert client.post(page, {"post": "yes"}).status_code == status
    assert [*AccessAttempt.objects.all()] == [locked]


def test_list_query_count_is_constant(superuser):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = Client()
    client.force_login(superuser)
    counts = []
    for number in (2, 20):
        chosen = [User.objects.create_user(f"n{number}-{n}").pk for n in range(number)]
        sent = {"action": "delete_selected", "_selected_action": chosen}
        client.get(f"{DESK}auth/user/")
        with CaptureQueriesContext(connection) as queries:
            assert client.post(f"{DESK}auth/user/", sent).status_code == 200
            assert client.get(f"{DESK}auth/user/").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
