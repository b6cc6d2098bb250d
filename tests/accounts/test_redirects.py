"""Redirects after signing in and out lead only to existing pages of this site."""

import pytest
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.accounts import PASSWORD

pytestmark = pytest.mark.django_db

REFUSED = [
    "",
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "\\/evil.example/",
    "http:evil.example",
    "http:///evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "data:text/html,x",
    "mailto:a@evil.example",
    "\x08//evil.example",
    "\t//evil.example",
    "http://testserver@evil.example/",
    "http://testserver.evil.example/",
    "http://[::1",
    "/" + "a" * 3000,
    "/" + "😀" * 2000,
]
LANGUAGES = ["en", "id"]


@pytest.fixture(autouse=True)
def no_login_rate_limit(settings):
    settings.LOGIN_RATE_LIMIT_PER_MINUTE = 0


def assert_leads_to(client, answer, address):
    assert (answer.status_code, answer.get("Location")) == (302, address)
    assert client.get(address).status_code == 200


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("address", REFUSED)
def test_refused_next_leads_to_the_dashboard_after_sign_in(language, address, staff_user):
    index, page = f"/{language}/admin/", f"/{language}/admin/login/"
    form = {"username": "ana", "password": PASSWORD}
    client = Client()
    assert_leads_to(client, client.post(page, {**form, "next": address}), index)
    if len(address) < 1000:
        client = Client()
        shown = client.get(page, {"next": address})
        assert f'name="next" value="{index}"' in shown.content.decode()
        answer = client.post(page, form, query_params={"next": address})
        assert_leads_to(client, answer, index)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("address", [one for one in REFUSED if len(one) < 1000])
def test_refused_next_leads_to_the_dashboard_after_the_code(language, address, staff_user):
    app = TOTPDevice.objects.create(user=staff_user, confirmed=True)
    client = Client()
    client.post(f"/{language}/admin/login/", {"username": "ana", "password": PASSWORD})
    code = f"{TOTP(app.bin_key).token():06d}"
    page = f"/{language}/admin/second-step/"
    answer = client.post(page, {"code": code}, query_params={"next": address})
    assert_leads_to(client, answer, f"/{language}/admin/")
    again = client.get(page, {"next": address})
    assert_leads_to(client, again, f"/{language}/admin/")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("address", [one for one in REFUSED if len(one) < 1000])
def test_refused_next_leads_to_the_front_page_after_sign_out(language, address, staff_user):
    for ways in ({"query_params": {"next": address}}, {"data": {"next": address}}):
        client = Client()
        client.force_login(staff_user)
        answer = client.post(f"/{language}/admin/logout/", **ways)
        assert_leads_to(client, answer, f"/{language}/")
        assert "_auth_user_id" not in client.session


def test_next_on_this_site_is_followed(staff_user):
    where = "/en/admin/allies/event/?q=a"
    form = {"username": "ana", "password": PASSWORD, "next": where}
    assert Client().post("/en/admin/login/", form)["Location"] == where
    client = Client()
    client.force_login(staff_user)
    assert client.post("/en/admin/logout/", {"next": "/en/events/"})["Location"] == "/en/events/"
    client.force_login(staff_user)
    assert client.post("/en/admin/logout/?a=b")["Location"] == "/en/"
    client.force_login(staff_user)
    assert "Log in again" in client.post("/en/admin/logout/").content.decode()


@pytest.mark.parametrize(
    "path", ["//evil.example/en", "/\\evil.example", "/en//evil.example", "/en/admin//evil.example"]
)
def test_path_does_not_redirect_to_another_site(path, staff_user):
    client = Client()
    client.force_login(staff_user)
    answer = client.get("/", PATH_INFO=path)
    assert not answer.get("Location", "").startswith(("//", "/\\", "http"))
