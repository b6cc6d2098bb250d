"""Take screenshots of every kind of page: `make screenshots`.

Writes var/pictures/<page>-<language>-<width>-<scheme>.png from a temporary site with the starter
content. Other files in var/ are neither read nor changed. To take only some screenshots, give the
names of the pages as arguments.
"""

import io
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.process_utils import free_port

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "var" / "pictures"

PUBLIC = {
    "front": "",
    "lists": "lists/",
    "list": "lists/russia-allies-in-asia/",
    "list-recorded": "lists/inews-4-negara-sahabat-rusia/",
    "countries": "countries/",
    "countries-found": "countries/?q=korut",
    "countries-nothing": "countries/?q=atlantis",
    "country": "countries/china/",
    "country-historic": "countries/austria-hungary/",
    "allies": "countries/russia/allies/",
    "allies-then": "countries/russia/allies/?on=2012-12-31",
    "map": "countries/russia/allies/map/",
    "allies-changes": "countries/russia/allies/changes/",
    "lists-compared": "countries/russia/lists/",
    "pair": "ties/china/russia/",
    "pair-disputed": "ties/north-korea/russia/",
    "search": "search/",
    "search-found": "search/?q=korut",
    "editions": "lists/russia-allies-in-asia/editions/",
    "methods": "methods/",
    "api": "api/",
    "allies-impossible": "countries/russia/allies/?on=2024-13-01&colour=red",
    "alliances": "alliances/",
    "alliance": "alliances/north-korea-russia-comprehensive-strategic-partnership/",
    "events": "events/",
    "votes": "votes/",
    "pair-votes": "ties/china/russia/votes/",
    "event": "events/unga-es-11-1/",
    "sources": "sources/",
    "changes": "changes/",
    "history": "events/unga-es-11-1/history/",
    "correct": "events/unga-es-11-1/correct/",
    "corrections": "corrections/",
    "source": "sources/bisnisupdate-2024/",
    "source-original": "sources/dw-2024-en/",
    "not-found": "nothing-here/",
}
NOUNS = [
    "country",
    "alias",
    "source",
    "citation",
    "alliance",
    "membership",
    "event",
    "participation",
    "allylist",
    "entry",
    "keyevent",
    "seealso",
]


def admin_pages():
    """Return the admin pages by name: list and form per model, import, history, preview."""
    from allies.models import Alliance, AllyList, Event, Source

    pages = {"admin": "admin/"}
    pages |= {f"admin-{noun}-list": f"admin/allies/{noun}/" for noun in NOUNS}
    pages |= {f"admin-{noun}-add": f"admin/allies/{noun}/add/" for noun in NOUNS}
    alliance = Alliance.objects.get(
        slug="north-korea-russia-comprehensive-strategic-partnership"
    ).pk
    for name, record in (("allylist", AllyList), ("event", Event), ("source", Source)):
        pages[f"admin-{name}-change"] = f"admin/allies/{name}/{record.objects.first().pk}/change/"
    pages["admin-alliance-change"] = f"admin/allies/alliance/{alliance}/change/"
    pages["admin-history"] = f"admin/allies/alliance/{alliance}/history/"
    pages["admin-preview"] = f"admin/allies/alliance/{alliance}/public/"
    pages["admin-changesets"] = "admin/allies/changeset/"
    pages["admin-links"] = f"admin/allies/alliance/{alliance}/links/"
    pages["admin-merge"] = f"admin/allies/alliance/{alliance}/merge/"
    pages["admin-corrections"] = "admin/allies/correction/"
    pages["admin-sign-in"] = "admin/sign-in/"
    pages["admin-set-up"] = "admin/set-up/"
    pages["admin-rights"] = "admin/allies/rightschange/"
    pages["admin-proposal"] = f"admin/allies/changeset/{proposal()}/"
    return pages


def proposal():
    """Return the id of an outdated proposal; there is a second one about the same record."""
    from allies.models import Changeset, Event

    event = Event.objects.get(slug="unga-es-11-1")
    about = {"kind": "edit", "state": "proposed", "about_noun": "event", "about_id": event.pk}
    part = event.participations.first()
    changes = [
        {
            "key": f"event-{event.pk}",
            "what": "changed",
            "fields": {"title_en": ["Another title", "A title that is proposed"]},
        },
        {
            "key": f"participation-{part.pk}",
            "what": "removed",
            "fields": {"country": [part.country_id, None], "role": [part.role, None]},
        },
    ]
    for reason in ("The other one", "The minutes are out"):
        made, _new = Changeset.objects.get_or_create(
            **about, reason=reason, defaults={"changes": changes}
        )
    return made.pk


def wait_for(address):
    """Wait until the server answers; exit after a minute."""
    for _attempt in range(240):
        try:
            urllib.request.urlopen(address).close()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.25)
        else:
            return
    sys.exit(f"The server at {address} did not start.")


def main(only):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("Pictures need chromium (Debian: apt-get install chromium).")
    with tempfile.TemporaryDirectory(prefix="allies-pictures-") as data:
        os.environ.pop("DATABASE_URL", None)
        os.environ.update(
            ALLIES_DATA_DIR=data,
            ALLIES_SECRET_KEY=secrets.token_urlsafe(50),
            DJANGO_SETTINGS_MODULE="config.settings",
            DJANGO_ALLOW_ASYNC_UNSAFE="1",
        )
        import django

        django.setup()
        from django.contrib.auth.models import User
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        call_command("load_demo_data", stdout=io.StringIO())
        call_command("collectstatic", interactive=False, verbosity=0)
        password = secrets.token_urlsafe()
        User.objects.create_superuser("admin", password=password)
        port = free_port()
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "granian", "--interface", "wsgi", "--log-level", "error"),
                *("--host", "127.0.0.1", "--port", str(port), "config.wsgi:application"),
            ],
            cwd=ROOT,
        )
        worker = subprocess.Popen(
            [sys.executable, "manage.py", "db_worker", "--no-startup-delay", "--interval", "0.2"],
            cwd=ROOT,
            stderr=subprocess.DEVNULL,
        )
        try:
            site = f"http://127.0.0.1:{port}"
            wait_for(f"{site}/en/")
            draw(chromium, site, password, only)
        finally:
            for child in (worker, server):
                child.terminate()
                child.wait()


#: Files for screenshots of an import: one without errors, and one with many.
UPLOADS = {
    "good": ("aliases", "country,name,language\nRUS,{name},sr\nCHN,Tiongkok,ms\n"),
    "refused": (
        "memberships",
        "Report\n\nNegara;Aliansi;Bergabung;Peran\nAtlantis;none;03/04/2020;boss\nRusia;=1;2020;\n",
    ),
}


def draw_import(page, site, ending):
    """Take screenshots of an import: upload, mapping, preview, result and undo."""

    def picture(name):
        page.screenshot(path=PICTURES / f"admin-changeset-{name}-{ending}", full_page=True)

    for language in ("en", "id"):
        for name, (noun, content) in UPLOADS.items():
            page.goto(f"{site}/{language}/admin/allies/changeset/add/?noun={noun}")
            picture(f"upload-{language}")
            text = content.format(name=f"Rusija {language} {ending}")
            file = {"name": "names.csv", "mimeType": "text/csv", "buffer": text.encode()}
            page.set_input_files("#id_file", file)
            page.click(".submit-row input")
            page.wait_for_selector("input[name=check]")
            picture(f"{name}-mapping-{language}")
            page.click("input[name=check]")
            page.wait_for_selector("input[name=recheck]")
            picture(f"{name}-preview-{language}")
            if page.locator("input[name=apply]").count():
                page.click("input[name=apply]")
                page.wait_for_selector("dl.facts")
                picture(f"applied-{language}")
                page.click("input[name=undo]")
                page.wait_for_selector("#reason")
                picture(f"undo-{language}")
                page.click("input[name=apply]")
                page.wait_for_selector("dl.facts")


def draw(chromium, site, password, only):
    from tests.browser.driver import launched, opened

    PICTURES.mkdir(parents=True, exist_ok=True)
    problems = []
    with launched(chromium) as browser:
        for scheme in ("light", "dark"):
            for width in (1280, 390):
                page = opened(
                    browser,
                    color_scheme=scheme,
                    viewport={"width": width, "height": 900},
                    reduced_motion="reduce",
                )
                for language in ("id", "en"):
                    page.goto(f"{site}/{language}/admin/login/")
                    file = f"admin-login-{language}-{width}-{scheme}.png"
                    page.screenshot(path=PICTURES / file)
                page.fill("#id_username", "admin")
                page.fill("#id_password", password)
                page.click("input[type=submit]")
                page.wait_for_selector("#user-tools")
                if not only:
                    draw_import(page, site, f"{width}-{scheme}.png")
                for name, address in {**PUBLIC, **admin_pages()}.items():
                    if only and name not in only:
                        continue
                    for language in ("en", "id"):
                        page.problems.clear()
                        page.goto(f"{site}/{language}/{address}")
                        file = f"{name}-{language}-{width}-{scheme}.png"
                        page.screenshot(path=PICTURES / file, full_page=True)
                        wide = page.evaluate("document.documentElement.scrollWidth")
                        if wide > width:
                            problems.append(f"{file}: {wide} pixels wide")
                        problems += [
                            f"{file}: {text}"
                            for text in page.problems
                            if "status of 40" not in text
                        ]
                page.context.close()
    print(f"{len(list(PICTURES.glob('*.png')))} pictures in {PICTURES.relative_to(ROOT)}/")
    for problem in problems:
        print(problem)
    sys.exit(bool(problems))


if __name__ == "__main__":
    main(set(sys.argv[1:]))
