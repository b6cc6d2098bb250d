"""What browsers report that the content security policy blocked: in the log, never kept."""

import json
import logging
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

log = logging.getLogger("allies.policy")

#: A report is that long at most, and each thing it says.
LONGEST, LONGEST_WORD = 10_000, 300
#: What is told of a report.
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
    """Take a report (``application/csp-report``); what is none is passed over."""
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
    # Addresses without their queries: these may be somebody's own.
    return {name: text.partition("?")[0][:LONGEST_WORD] for name, text in found.items()}
