"""Two-factor authentication, as with a browser: set up, used, lost, required."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.accounts import DESK, PASSWORD

pytestmark = pytest.mark.django_db


def signed_in(name="ana", **extra):
    """Return (browser, response) after sending name and password."""
    browser = Client(**extra)
    form = {"username": name, "password": PASSWORD, "next": DESK}
    answer = browser.post(f"{DESK}login/", form, follow=True)
    return browser, answer


def code(user, ahead=0):
    """Return the code that the app shows, now or ``ahead`` intervals of 30 seconds later."""
    app = TOTPDevice.objects.get(user=user)
    return f"{TOTP(app.bin_key, drift=ahead).token():06d}"


def give_password(browser, page="set-up/", password=PASSWORD):
    """Enter the password again, as the form on a page asks for it."""
    return browser.post(DESK + page, {"password_again": password, "only_read": "1"})


def set_up(browser, user):
    """Set up two-factor authentication; return the recovery codes."""
    give_password(browser)
    page = browser.get(f"{DESK}set-up/").content.decode()
    assert 'class="qr"' in page
    shown = browser.post(f"{DESK}set-up/", {"code": code(user)})
    assert shown.status_code == 200
    assert "no-store" in shown["Cache-Control"]
    return re.findall(r"<li><code>(\w+)</code></li>", shown.content.decode())


def some_time_passes():
    """Reset the throttling that follows a wrong code."""
    for device in (TOTPDevice, StaticDevice):
        device.objects.update(throttling_failure_timestamp=None, throttling_failure_count=0)


def is_in(browser):
    return browser.get(DESK).status_code == 200


def test_password_is_enough_without_two_factor(staff_user):
    browser, _answer = signed_in()
    assert is_in(browser)
    assert "Set up two-factor authentication" in browser.get(f"{DESK}sign-in/").content.decode()


def test_user_with_two_factor_needs_a_code(staff_user):
    browser, _answer = signed_in()
    assert len(set_up(browser, staff_user)) == 10
    assert is_in(browser)  # the setup counts as verification
    other, answer = signed_in()
    assert answer.redirect_chain[-1][0].startswith(f"{DESK}second-step/")
    assert not is_in(other)
    wrong = other.post(f"{DESK}second-step/", {"code": "000000"})
    assert "Wrong or used code" in wrong.content.decode()
    assert not is_in(other)
    some_time_passes()
    right = other.post(
        f"{DESK}second-step/?next=/en/admin/allies/event/", {"code": code(staff_user, 1)}
    )
    assert (right.status_code, right["Location"]) == (302, "/en/admin/allies/event/")
    assert is_in(other)


def test_earlier_sessions_need_a_code_too(staff_user):
    early, _answer = signed_in()
    browser, _answer = signed_in()
    set_up(browser, staff_user)
    assert not is_in(early)


@pytest.mark.parametrize(
    "address", ["allies/event/", "allies/event/add/", "auth/user/", "password_change/", "sign-in/"]
)
def test_no_page_opens_before_the_code(address, staff_user):
    staff_user.is_superuser = True
    staff_user.save()
    browser, _answer = signed_in()
    set_up(browser, staff_user)
    other, _answer = signed_in()
    for ask in (other.get, other.post):
        answer = ask(DESK + address)
        assert answer.status_code == 302
        assert answer["Location"].startswith(f"{DESK}login/")
    assert other.get(f"{DESK}set-up/").status_code == 302  # nor can another app be set up


def test_user_can_sign_out_before_the_code(staff_user):
    browser, _answer = signed_in()
    set_up(browser, staff_user)
    other, _answer = signed_in()
    other.post(f"{DESK}second-step/", {"leave": "1"})
    assert "_auth_user_id" not in other.session


def test_code_works_once(staff_user):
    browser, _answer = signed_in()
    set_up(browser, staff_user)
    later = code(staff_user, 1)
    first, _answer = signed_in()
    first.post(f"{DESK}second-step/", {"code": later})
    assert is_in(first)
    second, _answer = signed_in()
    second.post(f"{DESK}second-step/", {"code": later})
    assert not is_in(second)


def test_recovery_code_works_once_in_any_spelling(staff_user):
    browser, _answer = signed_in()
    codes = set_up(browser, staff_user)
    typed = f" {codes[0][:4].upper()} {codes[0][4:]} "
    first, _answer = signed_in()
    first.post(f"{DESK}second-step/", {"code": typed})
    assert is_in(first)
    second, _answer = signed_in()
    second.post(f"{DESK}second-step/", {"code": codes[0]})
    assert not is_in(second)
    assert "9 recovery codes left" in first.get(f"{DESK}sign-in/").content.decode()


def test_new_recovery_codes_replace_the_old(staff_user):
    browser, _answer = signed_in()
    old = set_up(browser, staff_user)
    shown = browser.post(f"{DESK}sign-in/", {"codes": "1", "code": old[0]}).content.decode()
    new = re.findall(r"<li><code>(\w+)</code></li>", shown)
    assert len(new) == 10
    other, _answer = signed_in()
    other.post(f"{DESK}second-step/", {"code": old[1]})
    assert not is_in(other)


def test_wrong_codes_delay_even_the_right_one(staff_user):
    browser, _answer = signed_in()
    set_up(browser, staff_user)
    other, _answer = signed_in()
    for _number in range(3):
        other.post(f"{DESK}second-step/", {"code": "000000"})
    refused = other.post(f"{DESK}second-step/", {"code": code(staff_user, 1)})
    assert refused.status_code == 200
    assert not is_in(other)


def test_removal_needs_a_code(staff_user):
    browser, _answer = signed_in()
    codes = set_up(browser, staff_user)
    browser.post(f"{DESK}sign-in/", {"remove": "1", "code": "000000"})
    assert TOTPDevice.objects.filter(user=staff_user).exists()
    some_time_passes()
    browser.post(f"{DESK}sign-in/", {"remove": "1", "code": codes[0]})
    assert not TOTPDevice.objects.filter(user=staff_user).exists()
    other, _answer = signed_in()
    assert is_in(other)


def test_required_two_factor_must_be_set_up_first(staff_user, settings):
    settings.REQUIRE_2FA = True
    browser, answer = signed_in()
    assert answer.redirect_chain[-1][0].startswith(f"{DESK}set-up/")
    assert "signs in with two steps" in answer.content.decode()
    assert not is_in(browser)
    set_up(browser, staff_user)
    assert is_in(browser)


def test_account_manager_lets_in_a_user_without_app_and_codes(staff_user, superuser):
    browser, _answer = signed_in()
    set_up(browser, staff_user)
    keeper, _answer = signed_in("root")
    action = {"action": "disable_two_factor", "_selected_action": [staff_user.pk]}
    keeper.post(f"{DESK}auth/user/", action)
    assert not is_in(browser)  # all sessions ended with it
    again, _answer = signed_in()
    assert is_in(again)


def test_keys_are_never_shown(staff_user, superuser):
    browser, _answer = signed_in()
    set_up(browser, staff_user)
    keeper, _answer = signed_in("root")
    key = TOTPDevice.objects.get(user=staff_user).key
    assert keeper.get(f"{DESK}otp_totp/totpdevice/").status_code == 404
    for address in (f"{DESK}auth/user/{staff_user.pk}/change/", f"{DESK}sign-in/"):
        assert key not in keeper.get(address).content.decode()
    assert 'class="qr"' not in browser.get(f"{DESK}sign-in/").content.decode()


def test_visitors_and_readers_cannot_set_it_up():
    User.objects.create_user("reader", password=PASSWORD)
    reader = Client()
    reader.force_login(User.objects.get(username="reader"))
    for browser in (Client(), reader):
        for page in ("second-step/", "set-up/", "sign-in/"):
            assert browser.get(DESK + page)["Location"].startswith(f"{DESK}login/")


def test_setup_is_shown_in_the_language_of_the_page(staff_user):
    browser, _answer = signed_in()
    assert "Konfirmasi kata sandi Anda" in browser.get("/id/admin/set-up/").content.decode()
    give_password(browser)
    page = browser.get("/id/admin/set-up/").content.decode()
    assert "Pindai kode QR ini" in page
