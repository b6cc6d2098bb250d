"""Read the robots.txt of each host, once per run."""

from collections import OrderedDict
from dataclasses import replace
from urllib.robotparser import RobotFileParser

from django.utils.translation import gettext as _

from allies.link_checking.fetch import ROBOT_NAME, FetchLimits, TooManyRedirects, fetch
from allies.link_checking.url_safety import Unreachable, WebAddress

#: Maximum number of hosts whose rules are cached, and bytes of a robots.txt that are read.
MAX_CACHED_HOSTS = 1000
MAX_BYTES = 500_000


class DisallowedByRobots(Exception):
    """The host's robots.txt does not allow a visit, or cannot be read at the moment."""


class Robots:
    """The robots.txt files of the hosts in one run."""

    def __init__(self, limits: FetchLimits) -> None:
        self._limits = replace(limits, max_bytes=MAX_BYTES)
        self._known: OrderedDict[str, RobotFileParser | str] = OrderedDict()

    def check_allowed(self, place: WebAddress) -> None:
        """Raise DisallowedByRobots if an address must not be visited now.

        Raises Unreachable if no connection can be made, UnsafeUrl if none is allowed.
        """
        rules = self._rules(place.origin)
        if isinstance(rules, str):
            raise DisallowedByRobots(rules)
        if not rules.can_fetch(ROBOT_NAME, place.url):
            raise DisallowedByRobots(_("The site’s robots.txt does not allow it."))

    def _rules(self, origin: str) -> RobotFileParser | str:
        if origin not in self._known:
            self._known[origin] = self._ask(origin)
            if len(self._known) > MAX_CACHED_HOSTS:
                self._known.popitem(last=False)
        self._known.move_to_end(origin)
        return self._known[origin]

    def _ask(self, origin: str) -> RobotFileParser | str:
        """Return the rules, or a message why they cannot be read at the moment."""
        try:
            answer = fetch(f"{origin}/robots.txt", method="GET", limits=self._limits)
        except Unreachable as error:
            if not error.met:
                raise
            return _("The site’s robots.txt cannot be read at the moment.")
        except TooManyRedirects:
            return _parse_robots("")
        if answer.status >= 500:
            return _("The site’s robots.txt cannot be read at the moment.")
        found = answer.body.decode("utf-8", "replace") if answer.status == 200 else ""
        return _parse_robots(found)


def _parse_robots(text: str) -> RobotFileParser:
    rules = RobotFileParser()
    rules.parse(text.removeprefix("\ufeff").splitlines())
    return rules
