"""Signing in: attempts are counted, locked out if there are too many, and logged."""

import pytest
from axes.models import AccessLog
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db

PASSWORD = "a-password-of-some-length"


@pytest.fixture(autouse=True)
def no_login_rate_limit(settings):
    """Switch off the rate limit, which has its own tests."""
    settings.LOGIN_RATE_LIMIT_PER_MINUTE = 0


@pytest.fixture
def staff_user():
    return User.objects.create_user("ana", password=PASSWORD, is_staff=True)


def sign_in(password, *, name="ana", address="203.0.113.7", **headers):
    """Send the sign-in form from a new client; return the response."""
    form = {"username": name, "password": password}
    return Client(REMOTE_ADDR=address, **headers).post(reverse("admin:login"), form)


def shut(settings, **where):
    """Try wrong passwords until the lockout."""
    return [sign_in("wrong", **where).status_code for _ in range(settings.AXES_FAILURE_LIMIT)]


def test_lockout_refuses_even_the_right_password(staff_user, settings):
    answers = shut(settings)
    assert answers[:-1] == [200] * (settings.AXES_FAILURE_LIMIT - 1)
    refused = sign_in(PASSWORD)
    assert refused.status_code == 429
    assert "_auth_user_id" not in refused.client.session
    assert "Too many sign-in attempts" in refused.content.decode()


def test_refusal_is_in_the_language_of_the_page(staff_user, settings, client):
    shut(settings)
    client.defaults["REMOTE_ADDR"] = "203.0.113.7"
    form = {"username": "ana", "password": PASSWORD}
    refused = client.post("/id/admin/login/", form)
    assert "Terlalu banyak percobaan masuk" in refused.content.decode()


@pytest.mark.parametrize("other", [{"address": "203.0.113.8"}, {"name": "budi"}])
def test_lockout_does_not_affect_others(staff_user, settings, other):
    User.objects.create_user("budi", password=PASSWORD, is_staff=True)
    shut(settings)
    assert sign_in(PASSWORD, **other).status_code == 302


def test_forged_forwarded_address_does_not_avoid_the_lockout(staff_user, settings):
    settings.BEHIND_PROXY = True
    for number in range(settings.AXES_FAILURE_LIMIT):
        sign_in("wrong", HTTP_X_FORWARDED_FOR=f"198.51.100.{number}, 203.0.113.7")
    last = {"HTTP_X_FORWARDED_FOR": "192.0.2.1, 203.0.113.7"}
    assert sign_in(PASSWORD, **last).status_code == 429


def test_addresses_of_an_ipv6_network_count_as_one_client(staff_user, settings):
    for number in range(settings.AXES_FAILURE_LIMIT):
        sign_in("wrong", address=f"2001:db8:1:2::{number + 1:x}")
    assert sign_in(PASSWORD, address="2001:db8:1:2::ffff").status_code == 429
    assert sign_in(PASSWORD, address="2001:db8:1:3::1").status_code == 302


def test_successful_sign_in_resets_the_count(staff_user, settings):
    for _ in range(settings.AXES_FAILURE_LIMIT - 1):
        sign_in("wrong")
    assert sign_in(PASSWORD).status_code == 302
    assert sign_in("wrong").status_code == 200


def test_sign_ins_are_logged_without_passwords(staff_user):
    sign_in("wrong-guess-in-the-form")
    sign_in(PASSWORD)
    assert [(log.username, log.ip_address) for log in AccessLog.objects.all()] == [
        ("ana", "203.0.113.7")
    ]
    boss = User.objects.create_superuser("boss")
    desk = Client()
    desk.force_login(boss)
    pages = [
        desk.get(reverse(f"admin:axes_{noun}_changelist")).content.decode()
        for noun in ("accessattempt", "accesslog")
    ]
    assert "ana" in pages[1]
    assert not any("wrong-guess" in page or PASSWORD in page for page in pages)


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "The form could not be sent"), ("id", "Formulir tidak dapat dikirim")],
)
def test_form_without_csrf_token_is_refused_with_an_explanation(language, said):
    visitor = Client(enforce_csrf_checks=True)
    answer = visitor.post(f"/{language}/admin/login/", {"username": "ann", "password": "x"})
    assert answer.status_code == 403
    assert said in answer.content.decode()
