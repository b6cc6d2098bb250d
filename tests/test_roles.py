"""The response of every URL to every role, for a GET and for an empty POST.

The URLs come from the URL configuration. `roles.json` has one line per pattern, with the statuses
[GET, POST] per role. They are decisions, so review every line that changes. To update the file on
purpose, run `pytest tests/test_roles.py --refresh-roles`.
"""

import json
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.utils.translation import override

from allies.models import (
    Alliance,
    AllyList,
    Changeset,
    Country,
    Edition,
    Entry,
    Event,
    KeyEvent,
    PreviewLink,
    Source,
)

pytestmark = [pytest.mark.sqlite_only, pytest.mark.usefixtures("demo_data")]

TABLE = Path(__file__).with_name("roles.json")

#: Role → its group, or None.
ROLES = {
    "nobody": None,
    "signed in": None,
    "editor": "Editors",
    "reviewer": "Reviewers",
    "data manager": "Data managers",
    "superuser": None,
}

#: First part of a public URL → (model, field in the URL).
_PUBLIC = {
    "lists": (AllyList, "slug"),
    "ally-lists": (AllyList, "slug"),
    "countries": (Country, "slug"),
    "alliances": (Alliance, "slug"),
    "events": (Event, "slug"),
    "sources": (Source, "key"),
    "editions": (Edition, "key"),
}


def patterns():
    """Return {name: route} of all patterns. The name of a pattern without one is its route."""
    found = {}

    def walk(resolver, route="", spaces=()):
        for pattern in resolver.url_patterns:
            here = route + str(pattern.pattern)
            if isinstance(pattern, URLPattern):
                name = ":".join([*spaces, pattern.name]) if pattern.name else f"/{here}"
                assert name not in found, f"two patterns are called {name}"
                found[name] = here
            else:
                space = (pattern.namespace,) if pattern.namespace else ()
                walk(pattern, here, (*spaces, *space))

    with override("en"):
        walk(get_resolver())
    return found


def address(route):
    """Return a URL of this route, with the key of an existing record if it needs one."""
    with override("en"):
        return "/" + re.sub(
            r"<(?:\w+:)?(\w+)>", lambda found: _argument(found[1], route), _plain(route)
        )


def _plain(route):
    """Replace the regular expressions in two routes of the admin by values."""
    route = re.sub(r"\^\(\?P<app_label>[^)]*\)/\$", "allies/", route)
    return re.sub(r"\(\?P<url>[^)]*\)\$", "nowhere", route)


def _argument(name, route):
    parts = route.split("/")
    if name == "content_type_id":
        return str(ContentType.objects.get_for_model(Event).pk)
    if name == "section":
        return "pages-en-1"
    if name == "token":
        record = Event.objects.published().earliest("pk")
        return PreviewLink.objects.get(noun="event", record_id=record.pk).token
    if "ties" in parts:
        # In alphabetical order, because any other order redirects.
        slugs = sorted(Country.objects.order_by("pk").values_list("slug", flat=True)[:2])
        return slugs[("first", "second").index(name)]
    if name == "rest":
        return "nowhere"
    if name == "page":
        return "glossary"
    if parts[1] != "admin":
        model, key = _PUBLIC[parts[2 if parts[0] == "api" or parts[1] == "embed" else 1]]
        return getattr(model.objects.published().earliest("pk"), key)
    if parts[2] == "r":
        return str(Event.objects.published().earliest("pk").pk)
    model = apps.get_model(parts[2], parts[3])
    records = model._default_manager.order_by("pk")
    if hasattr(model, "status") and hasattr(records, "published"):
        records = records.filter(status="published")
    if model is User:
        records = records.filter(username="superuser")
    found = records.first()
    return str(found.pk) if found else "0"


def answers(role):
    """Return the statuses of all patterns for a role: {name: [GET, POST]}.

    All changes are rolled back.
    """
    cookies = _signed_in(role)
    found = {}
    for name, route in patterns().items():
        where = address(route)
        found[name] = [_status(where, method, cookies) for method in ("get", "post")]
    return found


def _status(where, method, cookies):
    client = Client(raise_request_exception=False)
    client.cookies.load(cookies)
    with transaction.atomic():
        status = getattr(client, method)(where).status_code
        transaction.set_rollback(True)
    return status


def _signed_in(role):
    """Return the cookies of a user with this role."""
    client = Client()
    if role != "nobody":
        user = User.objects.get(username="superuser")
        if role != "superuser":
            user = User.objects.create_user("anna", is_staff=role != "signed in")
        if group := ROLES[role]:
            user.groups.add(Group.objects.get(name=group))
        client.force_login(user)
    return {name: morsel.value for name, morsel in client.cookies.items()}


def table():
    return json.loads(TABLE.read_text(encoding="utf-8"))


def write_table(found):
    """Write the table with one line per pattern."""
    lines = [f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in sorted(found.items())]
    TABLE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


@pytest.fixture
def records(db):
    """Create the records that URLs need in addition to the starter content."""
    User.objects.create_superuser("superuser")
    event = Event.objects.published().earliest("pk")
    user = User.objects.get(username="superuser")
    PreviewLink.objects.create(
        noun="event", record_id=event.pk, created_by=user, expires_at="2999-01-01T00:00:00Z"
    )
    KeyEvent.objects.create(
        entry=Entry.objects.published().earliest("pk"), event=Event.objects.published().latest("pk")
    )
    assert Changeset.objects.exists()


@pytest.mark.core
@pytest.mark.parametrize("role", ROLES)
def test_every_url_responds_to_each_role_as_in_roles_json(role, records, request):
    found = answers(role)
    if request.config.getoption("refresh_roles"):
        known = table() if TABLE.exists() else {}
        write_table({name: {**known.get(name, {}), role: found[name]} for name in found})
        return
    told = {name: row.get(role) for name, row in table().items()}
    wrong = [
        f"{name} ({patterns()[name]}): {status} instead of {told.get(name)}"
        for name, status in found.items()
        if status != told.get(name)
    ]
    assert not wrong, f"{role}: [GET, POST] is not what roles.json says:\n" + "\n".join(wrong)


def test_roles_json_has_exactly_the_patterns_of_the_site():
    missing = sorted(set(patterns()) - set(table()))
    assert not missing, f"roles.json does not say who reaches: {', '.join(missing)}"
    gone = sorted(set(table()) - set(patterns()))
    assert not gone, f"roles.json has patterns that are gone: {', '.join(gone)}"
