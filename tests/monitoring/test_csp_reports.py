"""Reports of violations of the Content Security Policy, and the cross-origin headers."""

import json
import logging

import pytest

from tests.views import page_urls

pytestmark = pytest.mark.django_db

KIND = "application/csp-report"


def told(caplog):
    return [record for record in caplog.records if record.name == "allies.policy"]


def test_csp_report_is_logged_without_query_strings(client, caplog):
    report = {
        "document-uri": "https://allies.example/en/?q=private",
        "effective-directive": "script-src",
        "blocked-uri": "https://evil.example/x.js",
        "original-policy": "x" * 500,
    }
    with caplog.at_level(logging.WARNING, "allies.policy"):
        answer = client.post("/policy-report", json.dumps({"csp-report": report}), KIND)
    assert answer.status_code == 204
    (line,) = told(caplog)
    assert "https://evil.example/x.js" in line.getMessage()
    assert "private" not in line.getMessage()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"csp-report": 3}',
        b'{"csp-report": {"blocked-uri": 3}}',
        b"\xff\xfe",
        b"[" * 9_000,
        b'{"csp-report": {"blocked-uri": "' + b"x" * 20_000 + b'"}}',
    ],
)
def test_invalid_csp_report_is_ignored(client, caplog, body):
    with caplog.at_level(logging.WARNING, "allies.policy"):
        assert client.post("/policy-report", body, KIND).status_code == 204
    assert not told(caplog)


def test_csp_report_cannot_forge_log_lines(client, caplog):
    report = {"blocked-uri": "a\n2026-01-01 ERROR forged", "document-uri": "y" * 3_000}
    with caplog.at_level(logging.WARNING, "allies.policy"):
        client.post("/policy-report", json.dumps({"csp-report": report}), KIND)
    (line,) = told(caplog)
    assert "\n" not in line.getMessage()
    assert len(line.getMessage()) < 1_000


def test_policy_names_the_report_url(client):
    assert "report-uri /policy-report" in client.get("/en/")["Content-Security-Policy"]
    assert client.get("/policy-report").status_code == 405


@pytest.mark.slow
@pytest.mark.sqlite_only
def test_cross_origin_headers_restrict_pages_but_not_embeds_and_data(client, demo_data):
    seen = {"same-origin": 0, "cross-origin": 0}
    for address, response in page_urls.responses().items():
        told_to = response["Cross-Origin-Resource-Policy"]
        is_page = response["Content-Type"].startswith("text/html") and "/embed/" not in address
        assert told_to == ("same-origin" if is_page else "cross-origin"), address
        seen[told_to] += 1
    assert min(seen.values()) > 10
    assert client.get("/en/admin/login/")["Cross-Origin-Resource-Policy"] == "same-origin"
    assert client.get("/en/admin/login/")["Cross-Origin-Opener-Policy"] == "same-origin"
