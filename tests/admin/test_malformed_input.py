"""Malformed queries and forms in the admin never cause a server error."""

import logging
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse

from allies.admin.inlines import MAX_ROWS
from allies.models import Event, Source, Status
from allies.monitoring.log_formatters import ClientErrorFilter, LineLogFormatter
from tests import factories

pytestmark = pytest.mark.usefixtures("demo_data")

VALUES = [
    "\x00",
    "'; DROP TABLE allies_event; --",
    '" OR 1=1',
    "<script>alert(1)</script>",
    "‮\u2066gnitirw",
    "%" * 300,
    "\\",
    "-1",
    "9" * 30,
    "1e999",
    "NaN",
    "[" * 200,
    "../../etc/passwd",
    "x" * 10_000,
    "",
]

#: One malformed value for each of text, number and name.
TELLING = ["\x00", "9" * 30, "'"]

#: Parameters that every list has, that no list has, and lookups through relations.
NAMES = ["q", "o", "p", "all", "e", "_popup", "_to_field", "_facets", "pk__in", "id__exact"]
NAMES += ["status__exact", "created_at__gte", "history_user__password", "event__slug__regex"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "model", sorted(admin.site._registry, key=lambda m: m._meta.label), ids=lambda m: m.__name__
)
def test_lists_accept_any_parameter(model, client, db):
    client.force_login(User.objects.create_superuser("root"))
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    own = [field.name for field in model._meta.fields][:4]
    asked = [{name: value} for name in [*NAMES, *own] for value in TELLING]
    asked += [{"q": value, "o": value, "p": value} for value in VALUES]
    for query in asked:
        answer = client.get(f"{address}?{urlencode(query)}")
        assert answer.status_code < 500, query
        assert b"<script>alert(1)" not in answer.content


@pytest.fixture
def superuser(client, db):
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.mark.parametrize(
    "model", sorted(admin.site._registry, key=lambda m: m._meta.label), ids=lambda m: m.__name__
)
def test_actions_accept_any_selection(model, superuser):
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    for action in [*(admin.site._registry[model].actions or ()), "delete_selected"]:
        for chosen in ("x", "9" * 5000, "\x00", "-1"):
            name = action if isinstance(action, str) else action.__name__
            answer = superuser.post(address, {"action": name, "_selected_action": chosen})
            assert answer.status_code < 500, (name, chosen[:20])


@pytest.mark.slow
@pytest.mark.parametrize(
    "model", sorted(admin.site._registry, key=lambda m: m._meta.label), ids=lambda m: m.__name__
)
def test_add_forms_accept_any_record_id(model, superuser):
    """Ids of related records: in the query, in the form, and in its inlines."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")
    chosen = [f.name for f in (*model._meta.fields, *model._meta.many_to_many) if f.is_relation]
    rows = {}
    for inline in admin.site._registry[model].inlines:
        fields = [field.name for field in inline.model._meta.fields if field.is_relation]
        prefix = inline.model._meta.get_field(fields[0]).related_query_name()
        of_record = [f for f in inline.model._meta.fields if f.related_model is model]
        prefix = of_record[0].remote_field.get_accessor_name() if of_record else prefix
        rows |= {f"{prefix}-TOTAL_FORMS": "1", f"{prefix}-INITIAL_FORMS": "0"}
        rows |= {f"{prefix}-0-{name}": "?" for name in fields}
    for value in ("x", "9" * 30, "-1", "1.5"):
        for name in chosen:
            for answer in (
                superuser.get(f"{address}?{urlencode({name: value})}"),
                superuser.post(address, {name: value}),
            ):
                assert answer.status_code < 500, (name, value)
        sent = {name: value if given == "?" else given for name, given in rows.items()}
        assert superuser.post(address, sent).status_code < 500, value


@pytest.mark.slow
def test_form_limits_the_number_of_rows(superuser):
    sent = {"memberships-TOTAL_FORMS": "1999", "memberships-INITIAL_FORMS": "0"}
    page = superuser.post(reverse("admin:allies_alliance_add"), sent).content.decode()
    assert page.count('name="memberships-') // page.count('name="memberships-0-') < MAX_ROWS + 2


SENT = [
    {"_call_off": "9" * 5000},
    {"_later": "publish", "_due_at": "9999-12-31T23:59:59Z"},
    {"_later": "publish", "_due_at": "0001-01-01T00:00:00+14:00"},
    {"_reason": "\x00"},
    {"title_en": "\x00"},
]


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: next(iter(sent)))
def test_forms_accept_any_text(sent, superuser):
    event = factories.event(("RUS", "host"), status=Status.DRAFT)
    address = reverse("admin:allies_event_change", args=[event.pk])
    assert superuser.post(address, sent).status_code < 500
    source = reverse("admin:allies_source_change", args=[Source.objects.first().pk])
    assert superuser.post(source, {"_derive": next(iter(sent.values()))}).status_code < 500


def test_buttons_accept_any_number(superuser):
    event = factories.event(("RUS", "host"), status=Status.DRAFT)
    links = reverse("admin:allies_event_links", args=[event.pk])
    for number in ("9" * 5000, "é", "\x00", "-1"):
        assert superuser.post(links, {"revoke": number}).status_code < 500
        assert superuser.post(reverse("admin:sign-in"), {"end": number}).status_code < 500


def test_too_long_user_name_is_a_failed_sign_in(client, db):
    form = {"username": "a" * 300, "password": "b"}
    answer = client.post(reverse("admin:login"), form)
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()


def test_view_on_site_needs_the_permission_to_view_the_record(client, superuser):
    draft = factories.event(("RUS", "host"), status=Status.DRAFT, slug="secret-words")
    kind = ContentType.objects.get_for_model(Event)
    address = reverse("admin:view_on_site", args=[kind.pk, draft.pk])
    assert superuser.get(address).headers["Location"].endswith("/secret-words/")
    unknown = ContentType.objects.get(app_label="contenttypes", model="contenttype").pk
    for nothing in ([unknown, 1], [kind.pk, 10**17], [10**17, 1]):
        assert superuser.get(reverse("admin:view_on_site", args=nothing)).status_code == 404
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    refused = client.get(address)
    assert refused.status_code == 404
    assert "secret-words" not in refused.content.decode()


class TestLog:
    """Invalid values are one short warning in the log, without a traceback."""

    LONG = "x" * 5000

    @pytest.fixture
    def lines(self, caplog):
        """Return a function that returns the lines that the server would write, and forgets them.

        Each is (level, message); the level of a line with a traceback is None.
        """
        formatter = LineLogFormatter()
        caplog.handler.addFilter(ClientErrorFilter())

        def read():
            found = [
                (None if "\n" in formatter.format(record) else record.levelname, record.message)
                for record in caplog.records
                if record.levelno >= logging.WARNING
            ]
            caplog.clear()
            return found

        return read

    @pytest.mark.parametrize("name", ["event", "country", "source"])
    def test_invalid_selection_is_refused_with_one_line(self, name, superuser, lines):
        address = reverse(f"admin:allies_{name}_changelist")
        for chosen in (self.LONG, "1.5", "9" * 5000, "\x00"):
            sent = {"action": "delete_selected", "_selected_action": chosen}
            assert superuser.post(address, sent).status_code == 400
            ((level, message),) = lines()
            assert level == "WARNING"
            assert len(message) < 400

    @pytest.mark.slow
    @pytest.mark.parametrize("parameter", ["_to_field", "_popup", "_changelist_filters", "o", "p"])
    def test_invalid_parameter_is_at_most_one_line(self, parameter, superuser, lines):
        pages = [
            reverse("admin:allies_event_changelist"),
            reverse("admin:allies_event_add"),
            reverse("admin:allies_event_change", args=[factories.event().pk]),
        ]
        pages += [pages[-1].replace("/change/", f"/{page}/") for page in ("delete", "history")]
        for page in pages:
            for value in ("x", self.LONG, "9" * 30, "id__exact"):
                for send in (superuser.get, superuser.post):
                    answer = send(f"{page}?{urlencode({parameter: value})}")
                    assert answer.status_code < 500
                    found = lines()
                    assert len(found) <= 1, (page, found)
                    for level, message in found:
                        assert level == "WARNING"
                        assert len(message) < 400

    @pytest.mark.parametrize("number", ["x" * 5000, "9" * 400, "_00", "_", "é", "1.5", "-1"])
    def test_invalid_record_id_in_the_address_is_at_most_one_line(self, number, superuser, lines):
        pages = ["change", "delete", "history", "public", "links"]
        for page in pages:
            address = f"{reverse('admin:allies_event_changelist')}{number}/{page}/"
            for send in (superuser.get, superuser.post):
                answer = send(address)
                assert answer.status_code in (302, 400, 404), page
                assert len(answer.headers.get("Location", "")) < 400
                assert self.LONG not in superuser.get(reverse("admin:index")).content.decode()
                found = lines()
                assert len(found) <= 1, (page, found)
                for level, message in found:
                    assert level == "WARNING"
                    assert len(message) < 400
