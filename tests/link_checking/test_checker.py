"""Check of one link: the result, robots.txt, and the order of hosts."""

import socket
from dataclasses import replace

import pytest

from allies.link_checking.checker import check_link
from allies.link_checking.host_queue import HostQueue
from allies.link_checking.robots import Robots
from allies.models import LinkResult


@pytest.fixture
def look(limits):
    robots = Robots(limits)
    return lambda url, limits=limits: check_link(url, limits=limits, robots=robots)


def test_existing_page_is_requested_with_head_only(web, look):
    web.answer("/")
    result = look(web.url())
    assert (result.result, result.http_status, result.detail) == (LinkResult.OK, 200, "")
    assert web.pages_asked() == ["HEAD /"]


@pytest.mark.parametrize("status", [403, 404, 405, 429, 500, 501])
def test_get_is_tried_if_head_fails(web, look, status):
    web.answer("/", 200, head=status, body=b"here")
    assert look(web.url()).result == LinkResult.OK
    assert web.pages_asked() == ["HEAD /", "GET /"]


def test_get_is_tried_if_the_server_closes_the_connection_on_head(web, look):
    def grumpy(handler):
        if handler.command == "GET":
            handler.send_response(200)
            handler.end_headers()

    web.pages["/"] = grumpy
    assert look(web.url()).result == LinkResult.OK


@pytest.mark.parametrize(
    ("status", "result", "is_miss"),
    [
        (404, LinkResult.GONE, True),
        (410, LinkResult.GONE, True),
        (500, LinkResult.ERROR, True),
        (503, LinkResult.ERROR, True),
        (403, LinkResult.ERROR, False),
        (429, LinkResult.ERROR, False),
        (999, LinkResult.ERROR, False),
    ],
)
def test_failed_statuses_are_classified(web, look, status, result, is_miss):
    web.answer("/", status)
    found = look(web.url())
    assert (found.result, found.http_status, found.is_failure) == (result, status, is_miss)
    assert str(status) in found.detail


def test_permanent_redirect_counts_as_moved_with_its_new_address(web, look):
    web.redirect("/old", "/new", 308)
    web.answer("/new")
    result = look(web.url("/old"))
    assert (result.result, result.final_url) == (LinkResult.MOVED, web.url("/new"))


def test_temporary_redirect_is_ok(web, look):
    web.redirect("/", "/today")
    web.answer("/today")
    result = look(web.url())
    assert (result.result, result.final_url) == (LinkResult.OK, web.url("/today"))


def test_permanent_redirect_to_a_missing_page_is_gone(web, look):
    web.redirect("/old", "/new", 301)
    assert look(web.url("/old")).result == LinkResult.GONE


def test_redirect_loop_is_an_error_but_not_a_failure(web, look):
    web.redirect("/", "/")
    result = look(web.url())
    assert result.result == LinkResult.ERROR and not result.is_failure


def test_private_address_is_refused(other, look):
    assert look(other.url()).result == LinkResult.REFUSED
    assert other.asked == []


def test_unknown_host_is_unreachable(look, limits):
    def unknown(host, port):
        raise socket.gaierror

    robots = Robots(replace(limits, resolver=unknown))
    result = check_link("http://nobody.invalid/", limits=limits, robots=robots)
    assert result.result == LinkResult.UNREACHABLE and result.is_failure


# robots.txt


def test_robots_txt_is_read_once_per_host_and_obeyed(web, look):
    web.answer("/robots.txt", body=b"User-agent: *\nDisallow: /private/\n")
    web.answer("/private/a")
    web.answer("/public")
    result = look(web.url("/private/a"))
    assert result.result == LinkResult.SKIPPED
    assert "robots" in result.detail
    assert look(web.url("/public")).result == LinkResult.OK
    assert web.asked == ["GET /robots.txt", "HEAD /public"]


def test_robots_txt_rule_for_our_name_is_obeyed(web, look):
    web.answer("/robots.txt", body=b"User-agent: AlliesLinks\nDisallow: /\n")
    assert look(web.url()).result == LinkResult.SKIPPED


def test_redirect_to_a_disallowed_page_is_not_followed(web, look):
    web.answer("/robots.txt", body=b"User-agent: *\nDisallow: /private/\n")
    web.redirect("/", "/private/a")
    assert look(web.url()).result == LinkResult.SKIPPED
    assert web.pages_asked() == ["HEAD /"]


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_missing_robots_txt_allows_everything(web, look, status):
    web.answer("/robots.txt", status, body=b"User-agent: *\nDisallow: /\n")
    web.answer("/")
    assert look(web.url()).result == LinkResult.OK


def test_link_is_skipped_if_robots_txt_fails(web, look):
    web.answer("/robots.txt", 503)
    web.answer("/")
    assert look(web.url()).result == LinkResult.SKIPPED
    assert web.pages_asked() == []


def test_link_is_skipped_if_robots_txt_times_out(web, limits):
    web.pages["/robots.txt"] = lambda handler: web.ending.wait()
    web.answer("/")
    robots = Robots(replace(limits, read=0.1))
    assert check_link(web.url(), limits=limits, robots=robots).result == LinkResult.SKIPPED


# The order of hosts.


class Watch:
    """A clock that only advances on ``sleep``."""

    def __init__(self):
        self.now = 100.0
        self.slept = []

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


def order(turns):
    found = []
    while turns:
        host, item = turns.take()
        found.append(item)
        turns.mark_visited(host)
    return found


def test_hosts_take_turns_and_only_recently_visited_hosts_wait():
    watch = Watch()
    turns = HostQueue(2, monotonic=lambda: watch.now, sleep=watch.sleep)
    for host, item in [("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("c", "c1")]:
        turns.add(host, item)
    assert order(turns) == ["a1", "b1", "c1", "a2", "a3"]
    assert watch.slept == [2, 2]


def test_host_that_is_added_again_still_waits():
    watch = Watch()
    turns = HostQueue(2, monotonic=lambda: watch.now, sleep=watch.sleep)
    turns.add("a", "a1")
    order(turns)
    turns.add("a", "a2")
    turns.add("b", "b1")
    assert order(turns) == ["b1", "a2"]
    assert watch.slept == [2]
