"""Log the violations of the Content Security Policy that browsers report. Nothing is stored."""

import json
import logging
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

log = logging.getLogger("allies.policy")

#: Maximum bytes of a report, and characters of each logged value.
LONGEST, LONGEST_WORD = 10_000, 300
#: The fields of a report that are logged.
_LOGGED_FIELDS = (
    "document-uri",
    "effective-directive",
    "violated-directive",
    "blocked-uri",
    "source-file",
)


@csrf_exempt
@require_POST
def csp_report(request: HttpRequest) -> HttpResponse:
    """Log a report (``application/csp-report``). An invalid one is ignored."""
    told = _describe_report(request)
    if told:
        log.warning("A browser reported a policy violation: %s", json.dumps(told), extra=told)
    return HttpResponse(status=204)


def _describe_report(request: HttpRequest) -> dict[str, str]:
    try:
        if int(request.META.get("CONTENT_LENGTH") or LONGEST + 1) > LONGEST:
            return {}
        said: Any = json.loads(request.read(LONGEST))["csp-report"]
        found = {name: said[name] for name in _LOGGED_FIELDS if isinstance(said.get(name), str)}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
    # Queries are removed from addresses, because they may contain personal data.
    return {name: text.partition("?")[0][:LONGEST_WORD] for name, text in found.items()}
