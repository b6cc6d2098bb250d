"""Golden pages: every address, as every role, GET and an empty POST, under a clock that stands still.

    golden.py make CHECKOUT DATABASE         a database with the starter content, and some more
    golden.py draw CHECKOUT DATABASE OUT     what every address answers, one JSON line each
    golden.py compare OLD NEW                what differs

``draw`` seeds all randomness anew for each request, so that tokens are the same. Left out are the
headers ETag and X-Request-ID: the tag holds a hash of the code.
"""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
DATA = Path(tempfile.gettempdir()) / "renames-golden"
ROLES = {
    "nobody": None,
    "signed in": None,
    "editor": "Editors",
    "reviewer": "Reviewers",
    "data manager": "Data managers",
    "superuser": None,
}
PUBLIC = {
    "lists": ("AllyList", "slug"),
    "ally-lists": ("AllyList", "slug"),
    "countries": ("Country", "slug"),
    "alliances": ("Alliance", "slug"),
    "events": ("Event", "slug"),
    "sources": ("Source", "key"),
    "editions": ("Edition", "key"),
}


def outside(command, checkout, *args):
    """Run this script inside a checkout, with its Python and a data folder that is always the same."""
    checkout = Path(checkout).resolve()
    library = HERE / ".cache" / "still.so"
    if not library.exists():
        library.parent.mkdir(exist_ok=True)
        subprocess.run(
            ["gcc", "-shared", "-fPIC", "-o", str(library), str(HERE / "still.c"), "-ldl"],
            check=True,
        )
    env = {k: v for k, v in os.environ.items() if not k.startswith("ALLIES_")}
    env |= {
        "ALLIES_DATA_DIR": str(DATA),
        "ALLIES_SECRET_KEY": "golden pages only, and as long as a secret key has to be at least 9f3",
        "DJANGO_SETTINGS_MODULE": "config.settings_test",
        "PYTHONHASHSEED": "0",
        "LD_PRELOAD": str(library),
        "PYTHONPATH": str(checkout),
    }
    env.pop("DATABASE_URL", None)
    python = str(checkout / ".venv/bin/python")
    messages = [python, "manage.py", "messages", "--compile"]
    for attempt in (messages, [python, "manage.py", "catalogs", "--compile"]):
        if subprocess.run(attempt, cwd=checkout, env=env, capture_output=True).returncode == 0:
            break
    subprocess.run(
        [python, str(Path(__file__).resolve()), f"inside-{command}", *map(str, args)],
        cwd=checkout,
        env=env,
        check=True,
    )


def seeded():
    """Make all randomness of this process the same each time."""
    import random
    import secrets

    state = {"n": 0}

    def urandom(size):
        out = b""
        while len(out) < size:
            state["n"] += 1
            out += hashlib.sha256(str(state["n"]).encode()).digest()
        return out[:size]

    os.urandom = urandom
    random._urandom = urandom
    secrets.token_bytes.__globals__["token_bytes"] = lambda n=32: urandom(n or 32)
    import uuid

    uuid.os.urandom = urandom
    return state


def make(database):
    import django

    django.setup()
    from django.apps import apps
    from django.contrib.auth.models import Group, User
    from django.core.management import call_command, get_commands
    from django.test import Client
    from django.utils import timezone

    call_command("migrate", verbosity=0)
    names = get_commands()
    call_command("load_demo_data" if "load_demo_data" in names else "load_demo_data", verbosity=0)
    superuser = User.objects.create_superuser("superuser", password="a-long-pass-phrase")
    for role, group in ROLES.items():
        if role not in ("nobody", "superuser"):
            name = role.replace(" ", "-")
            user = User.objects.create_user(
                name, password="a-long-pass-phrase", is_staff=role != "signed in"
            )
            if group:
                user.groups.add(Group.objects.get(name=group))
    get = lambda name: apps.get_model("allies", name)
    event = get("Event").objects.published().earliest("pk")
    get("PreviewLink").objects.create(
        noun="event", record_id=event.pk, created_by=superuser, expires_at="2999-01-01T00:00:00Z"
    )
    get("Event").objects.create(
        kind="visit", title_en="A visit & more", title_ind="Kunjungan", date="2024-05~"
    )
    draft = get("Alliance").objects.create(kind="entente", title_en="Draft pact", title_ind="Pakta")
    get("Source").objects.create(key="extra-1", publisher="The Gazette", title="A copy", credit="DW")
    get("Correction").objects.create(
        noun="event", record_id=event.pk, text="The day is wrong.", contact="a@b.example"
    )
    from django.test.utils import override_settings

    with override_settings(ALLOWED_HOSTS=["*"]):
        client = Client()
        client.force_login(superuser)
        client.get("/en/admin/")
    assert draft.pk and timezone.now()
    from django.db import connection

    connection.close()
    shutil.copy(DATA / "db.sqlite3", database)


def patterns():
    from django.urls import URLPattern, get_resolver
    from django.utils.translation import override

    found = []

    def walk(resolver, route=""):
        for pattern in resolver.url_patterns:
            here = route + str(pattern.pattern)
            if isinstance(pattern, URLPattern):
                found.append(here)
            else:
                walk(pattern, here)

    with override("en"):
        walk(get_resolver())
    return found


def argument(name, route):
    from django.apps import apps
    from django.contrib.auth.models import User
    from django.contrib.contenttypes.models import ContentType

    get = lambda model: apps.get_model("allies", model)
    parts = route.split("/")
    event = get("Event").objects.published().earliest("pk")
    if name == "content_type_id":
        return str(ContentType.objects.get_for_model(get("Event")).pk)
    if name == "token":
        return get("PreviewLink").objects.get(noun="event", record_id=event.pk).token
    if name == "name":
        return "pages-en-1"
    if "ties" in parts:
        return {"first": "china", "second": "russia"}[name]
    if name in ("rest", "url"):
        return "nowhere"
    if name in ("app_label",):
        return "allies"
    if name == "page":
        return "glossary"
    if parts[1] != "admin":
        model, key = PUBLIC[parts[2 if parts[0] == "api" or parts[1] == "embed" else 1]]
        telling = {"Country": "russia", "AllyList": "russia-allies-in-asia", "Event": "unga-es-11-1"}
        if model in telling and get(model).objects.filter(**{key: telling[model]}).exists():
            return telling[model]
        return getattr(get(model).objects.published().earliest("pk"), key)
    if parts[2] in ("r", "view-on-site"):
        return str(event.pk)
    model = apps.get_model(parts[2], parts[3])
    found = model._default_manager.order_by("pk").last()
    if model is User:
        found = User.objects.get(username="superuser")
    return str(found.pk) if found else "0"


def address(route, language):
    from django.utils.translation import override

    route = re.sub(r"\^\(\?P<app_label>[^)]*\)/\$", "allies/", route)
    route = re.sub(r"\(\?P<url>[^)]*\)\$", "nowhere", route)
    with override(language):
        found = re.sub(r"<(?:\w+:)?(\w+)>", lambda m: argument(m[1], route), route)
    return "/" + re.sub(r"^en/", f"{language}/", found)


def draw(database, out):
    shutil.rmtree(DATA, ignore_errors=True)
    DATA.mkdir(mode=0o700)
    (DATA / "static").mkdir()
    shutil.copy(database, DATA / "db.sqlite3")
    state = seeded()
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.cache import cache
    from django.db import transaction
    from django.test import Client
    from django.test.utils import setup_test_environment
    from django.conf import settings

    settings.ALLOWED_HOSTS = ["testserver"]
    setup_test_environment()
    import logging

    logging.disable(logging.CRITICAL)
    routes = patterns()
    extra = [
        "/en/countries/?q=atlantis",
        "/en/countries/russia/allies/?on=2024-13-01&colour=red",
        "/en/countries/russia/allies/?on=1950-06-30",
        "/en/events/?kind=visit&date_after=2020-01-01",
        "/en/events/?disputed=yes&page=2",
        "/en/search/?q=rusia+pact*",
        "/en/search/?q=%22north+korea%22&noun=event",
        "/en/sources/?derivation=original",
        "/en/alliances/?on=2001-01-01&kind=defence-pact",
        "/en/lists/?origin=ours",
        "/en/no/such/page/",
        "/api/v1/events?kind=visit&limit=3",
        "/api/v1/events?kind=nonsense",
        "/en/admin/allies/event/add/",
        "/en/admin/allies/event/?q=visit",
        "/en/admin/?language=id",
    ]
    lines = 0
    with open(out, "w") as file:
        for role in ROLES:
            state["n"] = 1000
            client = Client()
            if role != "nobody":
                client.force_login(User.objects.get(username=role.replace(" ", "-")))
            cookies = {k: v.value for k, v in client.cookies.items()}
            for language in ("en", "id"):
                places = sorted({address(r, language) for r in routes})
                places += [re.sub(r"^/en/", f"/{language}/", e) for e in extra]
                for place in places:
                    for method in ("get", "post"):
                        if language == "id" and (method == "post" or not place.startswith("/id/")):
                            continue
                        state["n"] = 5000
                        cache.clear()
                        one = Client(raise_request_exception=False)
                        one.cookies.load(cookies)
                        with transaction.atomic():
                            answer = getattr(one, method)(place)
                            body = (
                                b"".join(answer.streaming_content)
                                if answer.streaming
                                else answer.content
                            )
                            transaction.set_rollback(True)
                        headers = sorted(
                            [k, v]
                            for k, v in answer.items()
                            if k.lower() not in ("etag", "x-request-id")
                        )
                        line = {
                            "role": role,
                            "method": method,
                            "address": place,
                            "status": answer.status_code,
                            "headers": headers,
                            "body": base64.b85encode(body).decode(),
                        }
                        file.write(json.dumps(line) + "\n")
                        lines += 1
    print(f"{lines} answers of {len(routes)} patterns")


#: Addresses that moved, and words in pages that are names: old → new. Read from golden.json.
def renamed():
    path = HERE / "golden.json"
    return json.loads(path.read_text()) if path.exists() else {}


def read(path):
    found = {}
    for line in open(path):
        one = json.loads(line)
        one["body"] = base64.b85decode(one["body"])
        found[one["role"], one["method"], one["address"]] = one
    return found


def compare(old, new):
    old, new = read(old), read(new)
    words = renamed().get("words", {})
    sub = lambda b: b
    if words:
        pattern = re.compile("|".join(sorted(map(re.escape, words), key=len, reverse=True)))
        sub = lambda text: pattern.sub(lambda m: words[m[0]], text)
    same = total = size = 0
    differ = {}
    for key, one in old.items():
        role, method, place = key
        other = new.get((role, method, sub(place)))
        total += 1
        size += len(one["body"])
        if other is None:
            differ[key] = "is not there"
            continue
        body = one["body"]
        try:
            text = sub(body.decode())
            theirs = other["body"].decode()
        except UnicodeDecodeError:
            text, theirs = body, other["body"]
        headers = [[k, sub(v)] for k, v in one["headers"] if k != "Content-Length"]
        headers_new = [[k, v] for k, v in other["headers"] if k != "Content-Length"]
        if one["status"] != other["status"]:
            differ[key] = f"status {one['status']} → {other['status']}"
        elif headers != headers_new:
            differ[key] = f"headers: {[h for h in headers_new if h not in headers]}"
        elif text != theirs:
            where = next((i for i, (a, b) in enumerate(zip(text, theirs)) if a != b), -1)
            differ[key] = f"body at {where}: {text[max(0, where - 40):where + 60]!r} → {theirs[max(0, where - 40):where + 60]!r}"
        else:
            same += 1
    for key in new.keys() - {(r, m, sub(a)) for r, m, a in old}:
        differ[key] = "is new"
    for key, what in sorted(differ.items()):
        print(*key, what)
    print(f"{same} of {total} answers are the same, byte by byte ({size / 1e6:.0f} MB); {len(differ)} differ")
    return bool(differ)


if __name__ == "__main__":
    command, *args = sys.argv[1:]
    if command == "make":
        shutil.rmtree(DATA, ignore_errors=True)
        DATA.mkdir(mode=0o700)
        (DATA / "static").mkdir()
        outside("make", args[0], Path(args[1]).resolve())
    elif command == "draw":
        outside("draw", args[0], Path(args[1]).resolve(), Path(args[2]).resolve())
    elif command == "inside-make":
        make(*args)
    elif command == "inside-draw":
        draw(*args)
    elif command == "compare":
        sys.exit(compare(*args))
