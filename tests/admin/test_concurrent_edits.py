"""Several editors save the same record at the same moment, with real requests to real processes."""

import html
import http.cookiejar
import json
import re
import threading
import urllib.parse
import urllib.request

import pytest

PREPARE = """
import json
from django.contrib.auth.models import Group, User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.auth import SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY
from allies.models import Event
sessions = []
for n in range({people}):
    user = User.objects.create_user(f"person-{{n}}", password="x", is_staff=True)
    user.groups.add(Group.objects.get(name="Reviewers"))
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    sessions.append(session.session_key)
print(json.dumps([Event.objects.get(slug="unga-es-11-1").pk, sessions]))
"""

OUTCOME = """
import json
from allies.models import Changeset, Event
event = Event.objects.get(slug="unga-es-11-1")
proposed = [c["fields"]["place_en"][1] for s in Changeset.objects.proposed() for c in s.changes]
versions = event.history.filter(place_en__startswith="Hall").count()
print(json.dumps([event.place_en, sorted(proposed), versions]))
"""

PEOPLE = 6


class Editor:
    """A signed-in editor with an open form."""

    def __init__(self, address, session):
        self.address = address
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        self.opener.addheaders = [("Cookie", f"sessionid={session}")]
        self.session = session

    def open(self):
        """Fetch the form; store what a browser would send back unchanged."""
        page = self.opener.open(self.address).read().decode()
        form = page.partition('id="event_form"')[2].partition("</form>")[0]
        self.fields = {}
        for tag in re.findall(r"<input[^>]*>", form):
            found = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
            kind = found.get("type", "text")
            if kind in ("submit", "button") or "name" not in found:
                continue
            if kind != "checkbox" or " checked" in tag:
                self.fields[found["name"]] = _text(found.get("value", ""))
        for name, text in re.findall(
            r'<textarea name="([^"]*)"[^>]*>\n?(.*?)</textarea>', form, re.S
        ):
            self.fields[name] = _text(text)
        for name, options in re.findall(r'<select name="([^"]*)"[^>]*>(.*?)</select>', form, re.S):
            chosen = re.findall(r'<option value="([^"]*)"[^>]* selected', options)
            self.fields[name] = chosen[0] if chosen else ""

    def save(self, place):
        data = {**self.fields, "place_en": place, "_save": "1"}
        token = next(cookie.value for cookie in self.jar if cookie.name == "csrftoken")
        request = urllib.request.Request(self.address, urllib.parse.urlencode(data).encode())
        request.add_header("Cookie", f"sessionid={self.session}; csrftoken={token}")
        with urllib.request.urlopen(request) as answer:
            self.answer = answer.status, answer.read().decode()


class Clicks:
    """A signed-in editor who sends the same form several times at the same moment."""

    def __init__(self, address, session):
        self.session = session
        self.editor = Editor(address, session)
        self.editor.open()
        self.token = next(c.value for c in self.editor.jar if c.name == "csrftoken")

    def send(self, times, **fields):
        """Send the form several times; return the status and the final address of each response."""
        data = urllib.parse.urlencode({**self.editor.fields, **fields}).encode()
        ready, answers = threading.Barrier(times), []

        def click():
            request = urllib.request.Request(self.editor.address, data)
            request.add_header("Cookie", f"sessionid={self.session}; csrftoken={self.token}")
            ready.wait()
            with urllib.request.urlopen(request) as answer:
                answers.append((answer.status, answer.url))

        threads = [threading.Thread(target=click) for _number in range(times)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers


def _text(value):
    return html.unescape(value)


@pytest.mark.slow
def test_concurrent_saves_keep_one_and_turn_the_others_into_proposals(live_site):
    pk, sessions = json.loads(live_site.shell(PREPARE.format(people=PEOPLE)))
    address = f"{live_site.serve()}/en/admin/allies/event/{pk}/change/"
    editors = [Editor(address, session) for session in sessions]
    for editor in editors:
        editor.open()
    places = [f"Hall {n}" for n in range(PEOPLE)]
    ready = threading.Barrier(PEOPLE)

    def save(editor, place):
        ready.wait()
        editor.save(place)

    threads = [
        threading.Thread(target=save, args=pair) for pair in zip(editors, places, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [editor.answer[0] for editor in editors] == [200] * PEOPLE
    stands, proposed, versions = json.loads(live_site.shell(OUTCOME))
    assert stands in places
    assert versions == 1
    assert sorted([stands, *proposed]) == places
    kept = [editor for editor in editors if "Conflicts are marked" in editor.answer[1]]
    assert len(kept) == PEOPLE - 1


CLICKED = """
import json
from django.contrib.admin.models import LogEntry
from allies.models import Changeset, Event
events = Event.objects.filter(title_en="Clicked")
print(json.dumps([events.count(), Event.history.filter(title_en="Clicked").count(),
    LogEntry.objects.filter(object_repr="Clicked").count(),
    [len(c.changes) for c in Changeset.objects.proposed()]]))
"""

EDITOR = """
from django.contrib.auth.models import Group, User
User.objects.get(username="person-1").groups.set([Group.objects.get(name="Editors")])
"""


@pytest.mark.slow
def test_six_concurrent_clicks_make_one_event_and_one_proposal(live_site):
    pk, sessions = json.loads(live_site.shell(PREPARE.format(people=2)))
    live_site.shell(EDITOR)
    base = f"{live_site.serve()}/en/admin/allies/event"
    add = Clicks(f"{base}/add/", sessions[0])
    made = add.send(6, kind="visit", date="2024", title_en="Clicked", _continue="1")
    assert len(made) == 6
    assert {status for status, _address in made} == {200}
    assert len({address for _status, address in made}) == 1
    assert re.search(r"/event/\d+/change/", made[0][1])
    edit = Clicks(f"{base}/{pk}/change/", sessions[1])
    proposed = edit.send(6, place_en="Hall", _propose="1")
    assert {status for status, _address in proposed} == {200}
    assert len({address for _status, address in proposed}) == 1
    assert "/changeset/" in proposed[0][1]
    assert json.loads(live_site.shell(CLICKED)) == [1, 1, 1, [1]]
