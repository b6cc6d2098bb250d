"""Too large bodies are refused by their length, before they are read."""

import os
import socket
from contextlib import ExitStack, closing

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from allies.http.body_limits import (
    EXPIRED_SESSION_MAX_BYTES,
    PUBLIC_MAX_BYTES,
    SIGNED_IN_MAX_BYTES,
    URLENCODED_MAX_BYTES,
)
from allies.imports.tasks import reap_stale
from allies.models import Event
from tests.live_site import wait_for
from tests.process_utils import free_port, listens

BOUNDARY = "b"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
MEGABYTE = 1024**2


def claim(client, path, length, **headers):
    """Send a request with this Content-Length and without a body."""
    return client.generic(
        "POST", path, content_type=MULTIPART, CONTENT_LENGTH=str(length), **headers
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "limit", "said"),
    [
        *((path, PUBLIC_MAX_BYTES, "the limit is 128 KB") for path in ("/policy-report", "/en/")),
        *((path, PUBLIC_MAX_BYTES, "the limit is 128 KB") for path in ("/en/search/", "/healthz")),
        *(
            (path, PUBLIC_MAX_BYTES, "the limit is 128 KB")
            for path in ("/api/v1/events", "/oembed")
        ),
        ("/en/admin/allies/changeset/add/", PUBLIC_MAX_BYTES, "the limit is 128 KB"),
        # A form that was opened before the session ended is saved for its author.
        ("/en/admin/login/", EXPIRED_SESSION_MAX_BYTES, "the limit is 1 MB"),
        ("/en/admin/allies/source/add/", EXPIRED_SESSION_MAX_BYTES, "the limit is 1 MB"),
    ],
)
def test_body_of_a_visitor_is_limited_by_its_length(path, limit, said, client):
    assert claim(client, path, limit).status_code != 413
    refused = claim(client, path, limit + 1)
    assert refused.status_code == 413
    assert said in refused.content.decode()


@pytest.mark.django_db
def test_form_that_needs_much_memory_to_decode_is_refused(login_as, editor):
    client, path = login_as(editor), reverse("admin:allies_source_add")
    kind = "application/x-www-form-urlencoded"
    whole = "summary_en=" + "%C3%BC" * 50_000
    assert client.post(path, whole, content_type=kind).status_code == 200
    malformed = client.post(path, "summary_en=" + "%" * 200_000, content_type=kind)
    assert malformed.status_code == 400
    assert "encoding is wrong" in malformed.content.decode()
    length = str(URLENCODED_MAX_BYTES + 1)
    refused = client.generic("POST", path, CONTENT_TYPE=kind, CONTENT_LENGTH=length)
    assert refused.status_code == 413
    assert "the limit is 2 MB" in refused.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("length", "status"), [("x", 400), ("-1", 400), ("9" * 30, 400), ("٣", 400)]
)
def test_invalid_length_is_refused(length, status, client):
    assert claim(client, "/en/admin/login/", length).status_code == status


@pytest.mark.django_db
def test_body_without_a_length_is_refused(client):
    refused = claim(client, "/en/admin/login/", "", HTTP_TRANSFER_ENCODING="chunked")
    assert refused.status_code == 411


@pytest.mark.django_db
def test_limit_depends_on_the_permissions_of_the_user(login_as, data_manager, editor, settings):
    settings.IMPORT_MAX_BYTES = 20 * MEGABYTE
    upload, other = reverse("admin:allies_changeset_add"), reverse("admin:allies_source_add")
    assert claim(login_as(data_manager), upload, 20 * MEGABYTE).status_code != 413
    assert claim(login_as(data_manager), upload, 21 * MEGABYTE).status_code == 413
    for client, path in (
        (login_as(editor), upload),
        (login_as(editor), other),
        (login_as(data_manager), other),
    ):
        assert claim(client, path, SIGNED_IN_MAX_BYTES).status_code != 413
        refused = claim(client, path, SIGNED_IN_MAX_BYTES + 1)
        assert refused.status_code == 413
        assert "the limit is 5 MB" in refused.content.decode()
        assert "your session has ended" not in refused.content.decode()


@pytest.mark.django_db
def test_session_is_checked_before_a_larger_limit_applies(login_as, data_manager, settings):
    upload = reverse("admin:allies_changeset_add")
    client = login_as(data_manager)
    assert claim(client, upload, MEGABYTE).status_code != 413
    client.cookies["sessionid"] = "x" * 32
    refused = claim(client, upload, MEGABYTE)
    assert refused.status_code == 413
    assert "your session has ended" in refused.content.decode()
    client = login_as(data_manager)
    User.objects.filter(pk=data_manager.pk).update(is_active=False)
    assert claim(client, upload, MEGABYTE).status_code == 413
    User.objects.filter(pk=data_manager.pk).update(is_active=True)
    client = login_as(data_manager)
    settings.REQUIRE_2FA = True
    assert claim(client, upload, MEGABYTE).status_code == 413


@pytest.mark.django_db
def test_refusal_is_in_the_language_of_the_page(client):
    assert "Terlalu besar" in claim(client, "/id/admin/login/", MEGABYTE + 1).content.decode()


@pytest.mark.django_db
def test_refusing_a_visitor_takes_no_query(client, django_assert_num_queries, demo_data):
    path = reverse("allies:event-correct", args=[Event.objects.published().first().slug])
    with django_assert_num_queries(0):
        refused = claim(client, path, PUBLIC_MAX_BYTES + 1)
    assert refused.status_code == 413


@pytest.mark.django_db
def test_files_of_broken_uploads_are_deleted(settings, tmp_path):
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path
    old, new = tmp_path / "old.upload", tmp_path / "new.upload.csv"
    for file in (old, new):
        file.write_bytes(b"x")
    os.utime(old, (0, 0))
    reap_stale()
    assert not old.exists()
    assert new.exists()


@pytest.mark.django_db
def test_visitor_is_redirected_to_sign_in_before_an_upload_is_read(login_as, editor):
    path = reverse("admin:allies_changeset_add")
    body = Unread()
    answer = Client(enforce_csrf_checks=True).generic(
        "POST", path, content_type=MULTIPART, **{"wsgi.input": body, "CONTENT_LENGTH": "9000"}
    )
    assert answer.status_code == 302
    assert "/login/" in answer["Location"]
    assert claim(login_as(editor), path, 9000).status_code == 403


class Unread:
    """A body that must not be read."""

    def read(self, *size):
        raise AssertionError("the body was read")

    readline = read


# With a real server.

SIGN_IN = """
from django.contrib.auth.models import Group, User
from django.contrib.sessions.backends.db import SessionStore
user = User.objects.create_user("dana", is_staff=True)
user.groups.add(Group.objects.get(name="Data managers"))
session = SessionStore()
session["_auth_user_id"] = str(user.pk)
session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
session["_auth_user_hash"] = user.get_session_auth_hash()
session.save()
print(session.session_key)
"""
UPLOAD = "/en/admin/allies/changeset/add/"
TOKEN = "t" * 32


def fields(**given):
    """Return the parts of a form, and the header of its file."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in given.items()
    ]
    file = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    return "".join([*parts, file]).encode()


END = f"\r\n--{BOUNDARY}--\r\n".encode()


class Sender:
    """A connection that sends a form in pieces and can read the response."""

    def __init__(self, port, path, *, session="", **headers):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        said = {
            "Host": f"127.0.0.1:{port}",
            "Cookie": f"csrftoken={TOKEN}; sessionid={session}",
            "Content-Type": MULTIPART,
            **headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in said.items())
        self.socket.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode())

    def send(self, data):
        """Send data; return whether the server still accepts it."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def status(self):
        """Return the status of the response; 0 if the connection was closed without one."""
        data = b""
        try:
            while b"\r\n" not in data and (more := self.socket.recv(65536)):
                data += more
        except OSError:
            pass
        return int(data.split(b" ", 2)[1]) if data else 0

    def close(self):
        self.socket.close()


@pytest.fixture
def served(live_site):
    """The port of a site run by `manage.py serve`, and its folder of incoming files."""
    port = free_port()
    served = live_site.start("manage.py", "serve", "--port", port)
    wait_for(lambda: listens(port), 120)
    yield port, live_site.folder / "incoming"
    served.terminate()
    served.wait(60)


@pytest.mark.slow
def test_server_responds_before_a_large_body_is_sent(served):
    port, incoming = served
    for headers, status in (
        ({"Content-Length": 600 * MEGABYTE}, 413),
        ({"Transfer-Encoding": "chunked"}, 411),
    ):
        # The response comes before any byte of the body.
        with closing(Sender(port, UPLOAD, **headers)) as sender:
            assert sender.status() == status
        # A client that ignores it and keeps sending is disconnected, and nothing is stored.
        with closing(Sender(port, UPLOAD, **headers)) as sender:
            data = b"100000\r\n" if status == 411 else fields(csrfmiddlewaretoken=TOKEN)
            taken = sender.send(data)
            sent = 0
            while taken and sent < 600:
                taken = sender.send(b"x" * MEGABYTE)
                sent += 1
            assert sent < 600
        assert list(incoming.iterdir()) == []


@pytest.mark.slow
def test_server_accepts_an_import_and_deletes_a_broken_one(live_site, served):
    port, incoming = served
    session = live_site.shell(SIGN_IN)
    form = fields(csrfmiddlewaretoken=TOKEN, noun="sources", reason="")
    rows = b"key,title,publisher,url\n" + b"a,b,c,https://example.org/\n" * 300_000
    count = (
        "from allies.models import Changeset;"
        "print(Changeset.objects.filter(file_name='a.csv').count())"
    )
    length = len(form) + len(rows) + len(END)
    assert length > SIGNED_IN_MAX_BYTES

    with closing(Sender(port, UPLOAD, session=session, **{"Content-Length": length})) as sender:
        assert sender.send(form + rows[: 6 * MEGABYTE])
        wait_for(lambda: any(file.stat().st_size > MEGABYTE for file in incoming.iterdir()))
    wait_for(lambda: not list(incoming.iterdir()))
    assert live_site.shell(count) == "0"

    with closing(Sender(port, UPLOAD, session=session, **{"Content-Length": length})) as sender:
        assert sender.send(form + rows + END)
        assert sender.status() == 302
    assert list(incoming.iterdir()) == []
    assert live_site.shell(count) == "1"


@pytest.mark.slow
def test_slow_uploads_do_not_block_other_requests(live_site, served):
    port, incoming = served
    session = live_site.shell(SIGN_IN)
    form = fields(csrfmiddlewaretoken=TOKEN, noun="sources", reason="")
    length = {"Content-Length": 100 * MEGABYTE}
    with ExitStack() as stack:
        slow = [
            stack.enter_context(closing(Sender(port, UPLOAD, session=session, **length)))
            for _number in range(12)
        ]
        for sender in slow:
            sender.send(form + b"x" * MEGABYTE)
        for _number in range(8):
            with closing(Sender(port, "/en/", **{"Content-Length": 0})) as reader:
                assert reader.status() in (403, 405)  # a page without forms, immediately
        assert sum(file.stat().st_size > 0 for file in incoming.iterdir()) < len(slow)
        assert 503 in [sender.status() for sender in slow[-2:]]
    wait_for(lambda: not list(incoming.iterdir()))
