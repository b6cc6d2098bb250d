"""Fetch addresses: only from the public internet, and with limits on size and time."""

import shutil
import socket
import ssl
import subprocess
from dataclasses import replace

import pytest

from allies.link_checking.fetch import FetchLimits, TooManyRedirects, fetch, user_agent
from allies.link_checking.url_safety import Unreachable, UnsafeUrl, is_public, parse_url
from tests.conftest import skip_or_fail_missing
from tests.link_checking.servers import web as serving


def get(url, limits, method="GET"):
    return fetch(url, method=method, limits=limits)


def never(host, port):
    raise AssertionError(f"{host} was looked up")


# Allowed addresses.


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_are_public(text):
    assert is_public(text)


@pytest.mark.parametrize(
    "text",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0"),
        *("100.64.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.0.2.1"),
        *("198.18.0.1", "192.88.99.1", "::", "::1", "fe80::1", "fe80::1%lo", "fc00::1", "fec0::1"),
        *("ff02::1", "ff0e::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1"),
        *("2002:7f00:1::", "2002:a00:1::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
        *("64:ff9b:1::1", "2001::1", "2001:db8::1", "3fff::1", "5f00::1", "100::1"),
        # First and last addresses of blocks in IANA's special-purpose address registries.
        *("0.255.255.255", "100.127.255.255", "192.0.0.0", "192.0.0.8", "192.0.0.9", "192.0.0.10"),
        *("192.0.0.170", "192.0.0.171", "192.0.0.255", "192.0.2.255", "192.31.196.1"),
        *("192.52.193.1", "192.88.99.0", "192.88.99.255", "192.175.48.255", "198.19.255.255"),
        *("198.51.100.255", "203.0.113.0", "239.255.255.255", "254.255.255.255"),
        *("::ffff:192.0.0.8", "::ffff:0:192.0.0.8", "::8.8.8.8", "64:ff9b::c000:8"),
        *("64:ff9b::c058:6301", "64:ff9b:1:ffff::808:808", "100:0:0:1::1", "2001:1::1"),
        *("2001:2::1", "2001:3::1", "2001:4:112::1", "2001:20::1", "2001:30::1", "2001:1ff::1"),
        *("2002::1", "2002:808:808::1", "2620:4f:8000::1", "3fff:fff::1"),
        *("4000::1", "5f00:ffff::1", "fdff::1", "fe80::5efe:8.8.8.8", "feff::1", "ff3e::1"),
    ],
)
def test_special_addresses_are_not_public(text):
    assert not is_public(text)


@pytest.mark.parametrize(
    "text",
    [
        *("1.0.0.1", "100.63.255.255", "100.128.0.0", "172.32.0.1", "192.0.1.0", "192.88.98.255"),
        *("198.17.255.255", "198.20.0.0", "223.255.255.255", "2001:200::1", "2001:4860:4860::8888"),
        *("2003::1", "2400:cb00::1", "2620:4f:8001::1", "2a00:1450:4001::1", "3ffe::1"),
    ],
)
def test_neighbours_of_special_addresses_are_public(text):
    assert is_public(text)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://localhost/",
        "http://0/",
        "http://①②⑦.0.0.1/",
        "http://127。0。0。1/",
    ],
)
def test_local_addresses_are_refused_in_any_spelling(url):
    with pytest.raises(UnsafeUrl):
        get(url, FetchLimits())


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://",
        "http:///path",
        "ftp://example.org/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "gopher://example.org:80/",
        "//example.org/",
        "http://user:secret@example.org/",
        "http://user@example.org/",
        "http://good.example\\@127.0.0.1/",
        "http://example.org:22/",
        "http://example.org:0/",
        "http://example.org:99999/",
        "http://example.org:x/",
        "http://[::1/",
        "http://exa mple.org/",
        "http://example.org%00.evil.example/",
        f"http://{'a' * 70}.example/",
    ],
)
def test_invalid_url_is_refused_before_its_host_is_resolved(url):
    with pytest.raises(UnsafeUrl):
        get(url, FetchLimits(resolver=never))


def test_host_with_a_private_address_is_refused():
    limits = FetchLimits(resolver=lambda host, port: ["10.0.0.7", "::1"])
    with pytest.raises(UnsafeUrl):
        get("http://intranet.example/", limits)


def test_host_is_resolved_once_and_the_checked_address_is_used(web, other, limits):
    web.answer("/", body=b"the one that was checked")
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    asked = []

    def changing(host, port):
        asked.append(host)
        return next(answers)

    answer = get(f"http://news.example:{web.port}/", replace(limits, resolver=changing))
    assert answer.body == b"the one that was checked"
    assert asked == ["news.example"]
    assert web.headers[0]["Host"] == f"news.example:{web.port}"


def test_host_that_becomes_private_between_redirects_is_refused(web, limits):
    web.redirect("/", "/next")
    web.answer("/next")
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    with pytest.raises(UnsafeUrl):
        get(
            f"http://news.example:{web.port}/",
            replace(limits, resolver=lambda host, port: next(answers)),
        )
    assert web.asked == ["GET /"]


def test_private_addresses_among_public_ones_are_skipped(web, limits):
    web.answer("/", body=b"here")
    limits = replace(limits, resolver=lambda host, port: ["10.0.0.1", "127.0.0.1"])
    assert get(f"http://news.example:{web.port}/", limits).body == b"here"


def test_unknown_host_is_unreachable():
    def unknown(host, port):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(Unreachable) as caught:
        get("http://nobody.invalid/", FetchLimits(resolver=unknown))
    assert not caught.value.met


def test_resolver_that_does_not_respond_times_out(web):
    def silent(host, port):
        web.ending.wait()
        return []

    with pytest.raises(Unreachable):
        get("http://slow.example/", FetchLimits(resolver=silent, connect=0.05))


def test_closed_port_is_unreachable(web, limits):
    web.stop()
    with pytest.raises(Unreachable) as caught:
        get(web.url(), limits)
    assert not caught.value.met
    web.__init__()  # for the fixture to stop


# Redirects.


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://localhost/",
        "//localhost/",
        "http://user:pass@example.org/",
        "http://example.org:25/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
    ],
)
def test_redirect_to_an_unsafe_address_is_refused(web, limits, target):
    web.redirect("/", target)
    with pytest.raises(UnsafeUrl):
        get(web.url(), limits)
    assert web.asked == ["GET /"]


def test_redirect_to_another_port_of_a_private_machine_is_refused(web, other, limits):
    web.redirect("/", other.url("/secret"))
    with pytest.raises(UnsafeUrl):
        get(web.url(), limits)
    assert other.asked == []


def test_five_redirects_are_followed_but_not_six(web, limits):
    for number in range(7):
        web.redirect(f"/{number}", f"/{number + 1}")
    web.answer("/7")
    assert get(web.url("/2"), limits).url == web.url("/7")
    with pytest.raises(TooManyRedirects):
        get(web.url("/1"), limits)


def test_redirect_loop_ends(web, limits):
    web.redirect("/a", "/b")
    web.redirect("/b", "/a#again")
    with pytest.raises(TooManyRedirects):
        get(web.url("/a"), limits)
    assert web.asked == ["GET /a", "GET /b"]


def test_permanent_and_temporary_redirects_are_distinguished(web, limits):
    web.redirect("/old", "/new", 301)
    web.redirect("/new", "/login", 302)
    web.redirect("/today", "/old", 302)
    web.answer("/login")
    answer = get(web.url("/old"), limits)
    assert (answer.moved_to, answer.url) == (web.url("/new"), web.url("/login"))
    assert get(web.url("/today"), limits).moved_to == ""


# Limits, and the request that is sent.


def test_endless_page_is_read_up_to_the_limit(web, limits):
    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            while not web.ending.is_set():
                handler.wfile.write(b"x" * 10_000)
        except OSError:
            pass

    web.pages["/"] = endless
    assert len(get(web.url(), limits).body) == limits.max_bytes == 1_000_000


@pytest.mark.parametrize("part", ["status", "headers", "body"])
def test_endless_slow_page_ends_at_the_deadline(web, limits, part):
    begun = {
        "status": b"",
        "headers": b"HTTP/1.1 200 OK\r\nX-A: ",
        "body": b"HTTP/1.1 200 OK\r\n\r\n",
    }

    def dripping(handler):
        handler.wfile.write(begun[part])
        try:
            while not web.ending.wait(0.01):
                handler.wfile.write(b"x")
        except OSError:
            pass

    web.pages["/"] = dripping
    with pytest.raises(Unreachable) as caught:
        get(web.url(), replace(limits, total=0.3))
    assert caught.value.met


def test_silent_server_ends_at_the_read_timeout(web, limits):
    web.pages["/"] = lambda handler: web.ending.wait()
    with pytest.raises(Unreachable):
        get(web.url(), replace(limits, read=0.1))


@pytest.mark.parametrize("garbage", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_server_without_http_is_unreachable(web, limits, garbage):
    web.pages["/"] = lambda handler: handler.wfile.write(garbage)
    with pytest.raises(Unreachable):
        get(web.url(), limits)


def test_requests_have_no_cookies_but_our_user_agent(web, limits, settings):
    settings.SITE_NAME = "Sekutu\r\nX: y"
    settings.ALLOWED_HOSTS = ["localhost", "allies.example"]
    web.answer("/", 302, Location="/next", **{"Set-Cookie": "a=b"})
    web.answer("/next")
    get(web.url(), limits)
    assert len(web.headers) == 2
    for headers in web.headers:
        assert set(headers.keys()) == {
            "Host",
            "User-Agent",
            "Accept",
            "Connection",
            "Accept-Encoding",
        }
        assert headers["User-Agent"] == user_agent()
    assert user_agent() == "AlliesLinks/1.0 (checks the sources of SekutuX: y; allies.example)"


def test_special_characters_in_a_url_are_encoded(web, limits):
    get(web.url("/berita baru/é?q=à b&r=%20#part"), limits)
    assert web.asked == ["GET /berita%20baru/%C3%A9?q=%C3%A0%20b&r=%20"]
    assert parse_url("HTTP://MÜNCHEN.example:80").url == "http://xn--mnchen-3ya.example/"


def test_line_breaks_in_a_url_add_no_header(web, limits):
    get(web.url("/a\r\nX-Evil: 1"), limits)
    assert web.headers[0]["X-Evil"] is None


# TLS.


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Return the folder of a self-signed certificate for news.example."""
    if shutil.which("openssl") is None:
        skip_or_fail_missing("openssl")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=news.example", "-addext", "subjectAltName=DNS:news.example"),
            *("-keyout", folder / "key.pem", "-out", folder / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture
def secure(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    with serving(context) as server:
        server.answer("/", body=b"in secret")
        yield server


def to(server, **given):
    return FetchLimits(
        allow_private=frozenset({server.spot}),
        resolver=lambda host, port: ["127.0.0.1"],
        **given,
    )


def test_certificate_must_match_the_host_name(secure, certificate):
    trusting = ssl.create_default_context(cafile=str(certificate / "cert.pem"))
    limits = to(secure, tls=trusting)
    assert get(f"https://news.example:{secure.port}/", limits).body == b"in secret"
    with pytest.raises(Unreachable):
        get(f"https://other.example:{secure.port}/", limits)


def test_untrusted_certificate_is_unreachable(secure):
    with pytest.raises(Unreachable, match="certificate"):
        get(f"https://news.example:{secure.port}/", to(secure))
    assert secure.asked == []


def test_https_request_to_an_http_server_is_unreachable(web):
    with pytest.raises(Unreachable):
        get(f"https://news.example:{web.port}/", to(web))
