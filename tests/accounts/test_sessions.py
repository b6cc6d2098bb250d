"""Sessions: listed, and ended by their user or by an account manager."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.accounts import DESK, PASSWORD

pytestmark = pytest.mark.django_db


def signed_in(name, address="203.0.113.7", browser="Firefox"):
    client = Client(REMOTE_ADDR=address, HTTP_USER_AGENT=browser)
    client.post(f"{DESK}login/", {"username": name, "password": PASSWORD})
    assert is_in(client)
    return client


def is_in(client):
    return client.get(DESK).status_code == 200


def handles(page):
    return re.findall(r'name="end" value="(\w+)"', page)


def test_user_sees_own_sessions_and_ends_another_one(staff_user):
    own = signed_in("ana")
    foreign = signed_in("ana", "198.51.100.9", "<b>Elsewhere</b>")
    page = own.get(f"{DESK}sign-in/").content.decode()
    assert "198.51.100.9" in page
    assert "&lt;b&gt;Elsewhere" in page
    assert foreign.session.session_key not in page
    (handle,) = handles(page)
    own.post(f"{DESK}sign-in/", {"end": handle})
    assert is_in(own)
    assert not is_in(foreign)


def test_all_other_own_sessions_end_at_once(staff_user):
    User.objects.create_user("budi", password=PASSWORD, is_staff=True)
    budi = signed_in("budi")
    own, *others = [signed_in("ana") for _number in range(3)]
    own.post(f"{DESK}sign-in/", {"end_others": "1"})
    assert [is_in(client) for client in (own, budi, *others)] == [True, True, False, False]


def test_handle_of_another_user_ends_nothing(staff_user):
    User.objects.create_user("budi", password=PASSWORD, is_staff=True)
    budi, second = signed_in("budi"), signed_in("budi")
    (handle,) = handles(budi.get(f"{DESK}sign-in/").content.decode())
    signed_in("ana").post(f"{DESK}sign-in/", {"end": handle})
    assert is_in(budi)
    assert is_in(second)


def test_account_manager_ends_all_sessions_of_a_user(staff_user, superuser):
    clients = [signed_in("ana"), signed_in("ana")]
    keeper = signed_in("root")
    keeper.post(
        f"{DESK}auth/user/", {"action": "end_sessions", "_selected_action": [staff_user.pk]}
    )
    assert not any(map(is_in, clients))
    assert is_in(keeper)
