"""Where a request comes from, in whatever way a proxy says it."""

import pytest
from django.test import RequestFactory

from allies.client import client_of


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
        ("unknown", ""),
    ],
)
def test_a_client_is_known_by_its_address(said, client, settings):
    settings.BEHIND_PROXY = True
    assert client_of(RequestFactory().get("/", HTTP_X_FORWARDED_FOR=said)) == client
