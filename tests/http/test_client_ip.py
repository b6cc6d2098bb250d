"""The client's IP address, in all forms in which a proxy may write it."""

import pytest
from django.test import RequestFactory

from allies.http.client_ip import get_client_ip, get_rate_limited_ip


@pytest.mark.parametrize(
    ("said", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("[2001:db8:1:2:3:4:5:6]:4711", "2001:db8:1:2::"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::1", "::1"),
        ("[2001:db8:1:2:3:4:5:6]", "2001:db8:1:2::"),
        ("[fe80::1%eth0]:80", "fe80::"),
        ("fe80::1%eth0", "fe80::"),
        ("[::ffff:203.0.113.7]:80", "203.0.113.7"),
        ("198.51.100.1,203.0.113.7", "203.0.113.7"),
    ],
)
def test_client_ip_is_normalised(said, client, settings):
    settings.BEHIND_PROXY = True
    assert get_client_ip(RequestFactory().get("/", HTTP_X_FORWARDED_FOR=said)) == client


UNREADABLE = [
    *("", " ", "unknown", "_hidden", "198.51.100.1,", "198.51.100.1, unknown", "203.0.113.999"),
    *("203.0.113.7, [2001:db8::1", "203.0.113.7:port", "203.0.113", "for=203.0.113.7", "\x00"),
    *("٢٠٣.٠.١١٣.٧", "1" * 5000),
]


@pytest.mark.parametrize("header", UNREADABLE)
def test_unreadable_forwarded_address_falls_back_to_the_peer(header, settings):
    settings.BEHIND_PROXY = True
    request = RequestFactory().get("/", HTTP_X_FORWARDED_FOR=header, REMOTE_ADDR="10.9.8.7")
    assert get_client_ip(request) == "10.9.8.7"
    assert get_rate_limited_ip(request.META) == "10.9.8.7"


@pytest.mark.parametrize(
    ("behind_proxy", "headers", "exempt"),
    [
        (True, {"HTTP_X_FORWARDED_FOR": "192.168.1.7"}, True),
        (True, {"HTTP_X_FORWARDED_FOR": "203.0.113.7"}, False),
        (True, {}, True),  # a health check that does not pass through the proxy
        (False, {"HTTP_X_FORWARDED_FOR": "unknown"}, True),
        (False, {"REMOTE_ADDR": "203.0.113.7", "HTTP_X_FORWARDED_FOR": "10.0.0.1"}, False),
        (False, {"REMOTE_ADDR": ""}, True),  # a Unix socket
    ],
)
def test_private_networks_are_exempt_only_if_the_client_is_known(
    behind_proxy, headers, exempt, settings
):
    settings.BEHIND_PROXY = behind_proxy
    request = RequestFactory().get("/", **headers)
    assert get_rate_limited_ip(request.META) == ("" if exempt else get_client_ip(request))
