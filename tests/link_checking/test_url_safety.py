"""Parsing of web addresses, and resolving of host names."""

import pytest

from allies.link_checking.url_safety import Unreachable, UnsafeUrl, parse_url, resolve


@pytest.mark.parametrize(
    ("typed", "host", "port", "url"),
    [
        ("http://example.org", "example.org", 80, "http://example.org/"),
        ("https://example.org", "example.org", 443, "https://example.org/"),
        (" HTTPS://Example.ORG/A ", "example.org", 443, "https://example.org/A"),
        ("http://example.org:80/a", "example.org", 80, "http://example.org/a"),
        ("http://example.org:443/a", "example.org", 443, "http://example.org:443/a"),
        ("https://example.org:80/a", "example.org", 80, "https://example.org:80/a"),
        ("https://example.org:8443/a?b=c", "example.org", 8443, "https://example.org:8443/a?b=c"),
        ("https://example.org/a?", "example.org", 443, "https://example.org/a"),
        ("https://example.org/a#part", "example.org", 443, "https://example.org/a"),
        ("https://example.org?b=c", "example.org", 443, "https://example.org/?b=c"),
        ("https://example.org/a b/é", "example.org", 443, "https://example.org/a%20b/%C3%A9"),
        ("https://example.org/?q=a b", "example.org", 443, "https://example.org/?q=a%20b"),
        ("https://example.org/%20?q=%C3", "example.org", 443, "https://example.org/%20?q=%C3"),
        (
            "https://example.org/!$&'()*+,:;=@[]~?!$'()*+,/:;=?@[]~",
            "example.org",
            443,
            "https://example.org/!$&'()*+,:;=@[]~?!$'()*+,/:;=?@[]~",
        ),
        ("https://bücher.example/", "xn--bcher-kva.example", 443, "https://xn--bcher-kva.example/"),
        ("http://a-b_c.example/", "a-b_c.example", 80, "http://a-b_c.example/"),
        ("http://[2606:4700::1]/a", "2606:4700::1", 80, "http://[2606:4700::1]/a"),
        ("http://[2606:4700::1]:81/a", "2606:4700::1", 81, "http://[2606:4700::1]:81/a"),
    ],
)
def test_parse_url_normalises_addresses(typed, host, port, url):
    place = parse_url(typed)
    assert (place.host, place.port, place.url) == (host, port, url)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("http://example.org:x/", "not valid"),
        ("http://[::1/", "not valid"),
        ("ftp://example.org/", "Only http and https"),
        ("example.org", "Only http and https"),
        ("http://me@example.org/", "name and password"),
        ("http:///a", "host name in the address is not valid"),
        ("http://exa mple.org/", "host name in the address is not valid"),
        ("http://exa*mple.org/", "host name in the address is not valid"),
        (f"http://{'a' * 64}.org/", "host name in the address is not valid"),
    ],
)
def test_parse_url_says_why_an_address_is_refused(typed, said):
    with pytest.raises(UnsafeUrl, match=said):
        parse_url(typed)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([], "host does not exist"),
        (OSError(), "host does not exist"),
        (UnicodeError(), "host does not exist"),
    ],
)
def test_resolve_raises_unreachable_for_a_host_without_addresses(answer, said):
    def resolver(host, port):
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(Unreachable, match=said) as failed:
        resolve(resolver, "example.org", 80, 5)
    assert failed.value.met is False


def test_resolve_calls_the_resolver_with_host_and_port():
    asked = []
    found = resolve(lambda *of: asked.append(of) or ["192.0.2.1"], "example.org", 8080, 5)
    assert (asked, found) == ([("example.org", 8080)], ["192.0.2.1"])
