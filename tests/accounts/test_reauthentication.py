"""The password is needed again before actions that could make a stolen session permanent."""

import re

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.accounts import DESK, PASSWORD

pytestmark = pytest.mark.django_db

GIVEN = {"password_again": PASSWORD}
#: Seconds since the sign-in: the stored times of password entries are this much older.
LONG = 24 * 3600


@pytest.fixture(autouse=True)
def no_login_rate_limit(settings):
    """Switch off the rate limit, which has its own tests."""
    settings.LOGIN_RATE_LIMIT_PER_MINUTE = 0


def session_of(account, *, age=LONG):
    """Return a client that signed in ``age`` seconds ago."""
    client = Client(REMOTE_ADDR="203.0.113.7")
    client.force_login(account)
    session = client.session
    for key in ("allies_password_given", "allies_password_given_again"):
        if key in session:
            session[key] -= age
    session.save()
    return client


def copy_of(client):
    """Return a client with a copy of a session cookie."""
    copy = Client(REMOTE_ADDR="203.0.113.7")
    copy.cookies.load({name: morsel.value for name, morsel in client.cookies.items()})
    return copy


def code(account):
    app = TOTPDevice.objects.get(user=account)
    return f"{TOTP(app.bin_key).token():06d}"


def set_up(client, account):
    client.post(f"{DESK}set-up/", {**GIVEN, "only_read": "1"}, follow=True)
    shown = client.post(f"{DESK}set-up/", {"code": code(account)}).content.decode()
    codes = re.findall(r"<li><code>(\w+)</code></li>", shown)
    assert len(codes) == 10
    return codes


def is_asked(answer):
    return answer.status_code == 200 and 'name="password_again"' in answer.content.decode()


@pytest.mark.parametrize("age", [0, LONG])
def test_app_is_set_up_only_after_entering_the_password(staff_user, age):
    thief = session_of(staff_user, age=age)
    page = thief.get(f"{DESK}set-up/")
    assert is_asked(page)
    assert 'class="qr"' not in page.content.decode()
    TOTPDevice.objects.create(user=staff_user, confirmed=False)
    answer = thief.post(f"{DESK}set-up/", {"code": code(staff_user)})
    assert is_asked(answer)
    assert is_asked(
        thief.post(f"{DESK}set-up/", {"code": code(staff_user), "password_again": "wrong"})
    )
    assert not TOTPDevice.objects.filter(confirmed=True).exists()
    set_up(thief, staff_user)


@pytest.mark.parametrize("button", ["codes", "remove"])
def test_new_codes_and_removal_need_the_password_too(staff_user, button):
    owner = session_of(staff_user, age=0)
    codes = set_up(owner, staff_user)
    session = owner.session
    session["allies_password_given_again"] -= LONG
    session.save()
    asked = owner.post(f"{DESK}sign-in/", {button: "1", "code": codes[0]})
    assert is_asked(asked)
    assert TOTPDevice.objects.filter(user=staff_user).exists()
    # The other fields are sent along, so that nothing must be typed twice.
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', asked.content.decode()))
    assert {**fields, "csrfmiddlewaretoken": ""} == {
        button: "1",
        "code": codes[0],
        "csrfmiddlewaretoken": "",
    }
    answer = owner.post(f"{DESK}sign-in/", {button: "1", "code": codes[0], **GIVEN})
    if button == "codes":
        assert len(re.findall(r"<li><code>", answer.content.decode())) == 10
    assert TOTPDevice.objects.filter(user=staff_user).exists() == (button == "codes")


def test_copied_session_ends_when_the_owner_enters_the_password(staff_user):
    owner = session_of(staff_user)
    thief = copy_of(owner)
    assert thief.get(DESK).status_code == 200
    owner.post(f"{DESK}set-up/", {**GIVEN, "only_read": "1"})
    assert owner.get(DESK).status_code == 200
    assert thief.get(DESK).status_code == 302


def test_key_that_was_shown_before_is_not_used(staff_user):
    early = session_of(staff_user)
    early.post(f"{DESK}set-up/", {**GIVEN, "only_read": "1"})
    early.get(f"{DESK}set-up/")
    seen = TOTPDevice.objects.get(user=staff_user).key
    owner = session_of(staff_user)
    owner.post(f"{DESK}set-up/", {**GIVEN, "only_read": "1"})
    owner.get(f"{DESK}set-up/")
    assert TOTPDevice.objects.get(user=staff_user).key != seen
    new = {"old_password": PASSWORD, "new_password1": "a new one altogether"}
    owner.post(f"{DESK}password_change/", new | {"new_password2": new["new_password1"]})
    assert not TOTPDevice.objects.filter(user=staff_user).exists()


def guesses():
    """Return, by name, the ways to try a password in a session: page, function for the form."""
    change = {"new_password1": "a new one altogether", "new_password2": "a new one altogether"}
    return {
        "password change": ("password_change/", lambda said: {"old_password": said, **change}),
        "set-up": ("set-up/", lambda said: {"password_again": said, "only_read": "1"}),
        "new account": ("auth/user/add/", lambda said: {"username": "x", "password_again": said}),
    }


@pytest.mark.parametrize("name", guesses())
def test_wrong_passwords_in_a_session_lead_to_a_lockout(name, superuser, settings):
    page, form = guesses()[name]
    thief = session_of(superuser)
    answers = [
        thief.post(DESK + page, form(f"guess {number}")).status_code
        for number in range(settings.AXES_FAILURE_LIMIT)
    ]
    assert answers == [200] * (settings.AXES_FAILURE_LIMIT - 1) + [429]
    assert thief.post(DESK + page, form(PASSWORD)).status_code == 429
    superuser.refresh_from_db()
    assert superuser.check_password(PASSWORD)
    assert not User.objects.filter(username="x").exists()
    # Wrong passwords at sign-in and in a session count together.
    again = thief.post(f"{DESK}login/", {"username": "root", "password": PASSWORD})
    assert again.status_code == 429


@pytest.mark.parametrize("name", guesses())
def test_right_password_is_accepted(name, superuser):
    page, form = guesses()[name]
    answer = session_of(superuser).post(DESK + page, form(PASSWORD))
    assert answer.status_code in (200, 302)
    assert not is_asked(answer)
    assert not AccessAttempt.objects.exists()


def test_failed_attempts_are_logged_without_passwords(superuser):
    thief = session_of(superuser)
    secrets = {
        "old_password": "secret-old",
        "new_password1": "secret-new",
        "new_password2": "secret-new",
    }
    thief.post(f"{DESK}password_change/", secrets)
    sent = {"password_again": "secret-again", "password1": "secret-1", "password2": "secret-1"}
    thief.post(f"{DESK}auth/user/add/", {"username": "x", "code": "secret-code", **sent})
    stored = [str(one) for row in AccessAttempt.objects.values_list() for one in row]
    assert "new_password1" in " ".join(stored)
    assert not [one for one in stored if "secret" in one]


@pytest.mark.parametrize("age", [0, LONG])
def test_writing_accounts_and_groups_needs_a_recent_password(superuser, staff_user, age):
    thief = session_of(superuser, age=age)
    taken = {"password1": "taken over by a thief", "password2": "taken over by a thief"}
    selected = {"_selected_action": [staff_user.pk], "post": "yes"}
    tries = [
        ("auth/user/add/", {"username": "new", "usable_password": "true", **taken}),
        (
            f"auth/user/{staff_user.pk}/password/",
            {"usable_password": "true", "set-password": "1", **taken},
        ),
        ("auth/group/add/", {"name": "New"}),
        ("auth/user/", {"action": "disable_two_factor", **selected}),
        (f"auth/user/{staff_user.pk}/delete/", {"post": "yes"}),
    ]
    for page, form in tries:
        assert thief.get(DESK + page).status_code == 200  # reading needs no password
        answer = thief.post(DESK + page, form)
        assert is_asked(answer) == bool(age), page
        assert "taken over" not in answer.content.decode()
    assert User.objects.filter(username="ana").exists() == bool(age)
    assert User.objects.filter(username="new").exists() == (not age)


def test_form_is_resent_and_saved_after_entering_the_password(superuser):
    owner = session_of(superuser)
    page = reverse("admin:auth_group_add")
    asked = owner.post(page, {"name": "“Quoted” & <new>", "permissions": ["1", "2"]})
    text = asked.content.decode()
    assert 'name="name" value="“Quoted” &amp; &lt;new&gt;"' in text
    assert text.count('name="permissions"') == 2
    sent = {"name": "“Quoted” & <new>", "permissions": ["1", "2"], **GIVEN}
    assert owner.post(page, sent).status_code == 302
    group = superuser.groups.model.objects.get(name="“Quoted” & <new>")
    assert group.permissions.count() == 2


def test_reactivated_account_has_no_old_sessions(staff_user):
    client = session_of(staff_user)
    for flag in ("is_active", "is_staff"):
        client = session_of(staff_user)
        assert client.get(DESK).status_code == 200
        for value in (False, True):
            setattr(staff_user, flag, value)
            staff_user.save()
        assert client.get(DESK).status_code == 302


@pytest.mark.parametrize("view", ["add", "password"])
def test_password_form_asks_for_the_own_password_first(staff_user, view):
    staff_user.is_superuser = True
    staff_user.save()
    other = User.objects.create_user("other")
    names = {
        "add": ("admin:auth_user_add", []),
        "password": ("admin:auth_user_password_change", [other.pk]),
    }
    name, args = names[view]
    path = reverse(name, args=args)
    assert is_asked(session_of(staff_user).get(path))
    owner = session_of(staff_user)
    assert (
        "password1" in owner.post(path, {**GIVEN, "only_read": "1"}, follow=True).content.decode()
    )
    assert "password1" in session_of(staff_user, age=0).get(path).content.decode()
