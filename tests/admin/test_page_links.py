"""Every link in the admin opens: a crawl from the dashboard, as each role."""

from html import unescape
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import resolve, reverse
from django.utils.translation import override

from allies.actions.proposals import decline
from allies.models import Changeset, ChangesetState, Correction
from tests import factories
from tests.admin.test_permissions import change, form_of

pytestmark = [pytest.mark.sqlite_only, pytest.mark.usefixtures("demo_data")]

#: Pages to open per kind, that is per route and set of parameters.
PER_KIND = 1


def links_of(html):
    """Return the addresses that a page links to."""
    return {unescape(part.split('"', 1)[0]) for part in html.split('href="')[1:]}


def kind_of(address):
    """Return the kind of a page: its route and the names of its parameters."""
    parts = urlsplit(address)
    names = tuple(sorted({name for name, _value in parse_qsl(parts.query)}))
    return resolve(parts.path).route, names


def walk(client, start, inside):
    """Return {(address, found on): status} of the pages reached by links, PER_KIND per kind."""
    answered, waiting, seen, kinds = {}, [(start, "")], {start}, {}
    while waiting:
        address, found_on = waiting.pop(0)
        response = client.get(address)
        answered[address, found_on] = response.status_code
        if response.status_code in (301, 302):
            targets = {response.url}
        elif response.streaming or not response.headers["Content-Type"].startswith("text/html"):
            continue
        else:
            targets = links_of(response.content.decode())
        for target in sorted(targets):
            found = urlsplit(urljoin(f"http://testserver{address}", target))
            where = found._replace(scheme="", netloc="", fragment="").geturl()
            if found.netloc != "testserver" or where in seen or not where.startswith(inside):
                continue
            seen.add(where)
            kind = kind_of(where)
            kinds[kind] = kinds.get(kind, 0) + 1
            if kinds[kind] <= PER_KIND:
                waiting.append((where, address))
    return answered


def propose(client, record, title):
    client.post(change(record), {**form_of(client, change(record)), "title_en": title})
    return Changeset.objects.proposed().latest("pk")


@pytest.fixture
def something_of_everything(editor, reviewer, data_manager, login_as):
    """Data for a dashboard with at least one line of every kind for each role."""
    event = factories.event(("RUS", "host"), ("IND", "visitor"), title_en="Visit")
    for number in (1, 2):
        propose(login_as(editor), event, f"Visit {number}")
    decline(changeset=Changeset.objects.proposed().latest("pk"), user=reviewer, note="Not so")
    file = SimpleUploadedFile("events.csv", b"slug,kind,date\nnew,visit,2024\n")
    login_as(data_manager).post(
        reverse("admin:allies_changeset_add"), {"noun": "events", "file": file, "reason": ""}
    )
    assert Changeset.objects.filter(created_by=data_manager).update(message="It ended early") == 1
    Correction.objects.create(noun="event", record_id=event.pk, text="The day is wrong")
    factories.event(("RUS", "host"), status="in-review")
    factories.event(("RUS", "host"), cited=False)
    factories.event()
    factories.ally_list("RUS", "CHN", promised=4)


@pytest.mark.slow
@pytest.mark.parametrize("role", ["Editors", "Reviewers", "Data managers", "superuser"])
def test_every_link_opens(role, something_of_everything, request, login_as):
    fixtures = {"Editors": "editor", "Reviewers": "reviewer", "Data managers": "data_manager"}
    user = request.getfixturevalue(fixtures.get(role, "admin_user"))
    assert role == "superuser" or user.groups.get() == Group.objects.get(name=role)
    with override("en"):
        start = reverse("admin:index")
    answered = walk(login_as(user), start, inside=start)
    broken = {
        f"{address} (on {found_on})": status
        for (address, found_on), status in answered.items()
        if status >= 400
    }
    assert len(answered) > 100
    assert not broken, "\n".join(f"{status}: {where}" for where, status in broken.items())


def test_editor_sees_own_declined_proposals_but_no_imports_of_others(
    something_of_everything, editor, data_manager, login_as
):
    client = login_as(editor)
    address = reverse("admin:allies_changeset_changelist")
    page = client.get(address, {"attention": "declined"}).content.decode()
    declined = Changeset.objects.get(created_by=editor, state=ChangesetState.DECLINED)
    assert f"/{declined.pk}/change/" in page
    shown = set(client.get(address).context["cl"].queryset.values_list("pk", flat=True))
    theirs = Changeset.objects.filter(created_by=data_manager, kind="import").values_list(
        "pk", flat=True
    )
    assert not shown & set(theirs)
