"""Take the screenshots of the handbook: `make handbook-pictures`.

For each language, it starts a site with the starter content and four users: an editor, a reviewer,
a data manager and a reader. They do what docs/editors.md and docs/data.md describe, and each step
is a file <step>-<language>.png in PICTURES. All names and titles in them are invented. If they are
taken again, the screenshots differ only in dates and times.
"""

import contextlib
import io
import re
import shutil
import sys
from pathlib import Path

from PIL import Image

from tests.browser.driver import launched, opened
from tests.live_site import ROOT, site_of_its_own

PICTURES = ROOT / "docs" / "screenshots" / "handbook"
#: Width of the window. Small, so that text is still legible if a page scales a screenshot down.
WIDTH = 900
#: Colours per screenshot, enough for flat pages; a file is then a quarter of the size.
COLOURS = 64
MAX_BYTES = 120_000

EVENT = {
    "en": ("Foreign ministers of Indonesia and Russia meet", "12 May 2026"),
    "id": ("Menteri luar negeri Indonesia dan Rusia bertemu", "12 Mei 2026"),
}
SOURCE = {
    "en": ("The Harbour Ledger", "Ministers meet in Jakarta and agree on talks"),
    "id": ("Kabar Pelabuhan", "Para menteri bertemu di Jakarta dan sepakat berunding"),
}
RUSSIA = {"en": "Russia", "id": "Rusia"}
LIST = {"en": "Partners of Indonesia", "id": "Mitra Indonesia"}
REPORT = {
    "en": ("The vote was on 2 March 2022, not on 1 March.", "https://press.example/es-11-1"),
    "id": (
        "Pemungutan suara berlangsung pada 2 Maret 2022, bukan 1 Maret.",
        "https://press.example/es-11-1",
    ),
}
REASON = {"en": "The minutes name the hall", "id": "Risalah menyebut ruangannya"}
FILES = {
    "en": (
        "our-pacts.csv",
        "Pacts of our archive\n\nName;Type;Signed;Country 1\n"
        "Pact of Bandung;Defence;19 June 2024;Indonesia\n"
        "Pact of Bandung;Defence;19 June 2024;Burma\n"
        "Treaty of Semarang;Friendship;May 2023;Atlantis\n",
    ),
    "id": (
        "pakta-kami.csv",
        "Pakta dari arsip kami\n\nNama;Jenis;Ditandatangani;Negara\n"
        "Pakta Bandung;Pertahanan;19 Juni 2024;Indonesia\n"
        "Pakta Bandung;Pertahanan;19 Juni 2024;Burma\n"
        "Perjanjian Semarang;Persahabatan;Mei 2023;Atlantis\n",
    ),
}
NAMES_FILE = "country,name,language\nRUS,Rossiya,ru\nCHN,Zhongguo,zh\nRUS,Rusland,nl\n"


class Person:
    """A user with a browser page in one language; without a password, a reader."""

    def __init__(self, browser, address, language, name="", password=""):
        self.page = opened(
            browser,
            viewport={"width": WIDTH, "height": 720},
            color_scheme="light",
            reduced_motion="reduce",
            locale={"en": "en-GB", "id": "id-ID"}[language],
            timezone_id="Asia/Jakarta",  # the site's own, because the admin reports a difference
        )
        self.page.add_init_script("localStorage.setItem('django.admin.navSidebarIsOpen', 'false')")
        self.page.set_default_timeout(30_000)
        self.language = language
        self.site = f"{address}/{language}"
        if password:
            self.go("admin/login/")
            self.page.fill("#id_username", name)
            self.page.fill("#id_password", password)
            self.name = name

    def sign_in(self):
        self.page.click("input[type=submit]")
        self.page.wait_for_selector("#user-tools")

    def go(self, path):
        self.page.goto(f"{self.site}/{path}")

    def choose(self, field, number, text):
        """Choose a record in an autocomplete field, as a click on a suggestion does."""
        self.page.evaluate(
            "([field, number, text]) => django.jQuery(`#id_${field}`)"
            ".append(new Option(text, number, true, true)).trigger('change')",
            [field, number, text],
        )

    def add_row(self, group):
        self.page.click(f"#{group}-group .add-row a")

    def save(self):
        self.page.click("input[name=_continue]")
        self.page.wait_for_selector(".messagelist, .errornote")

    def picture(self, name, *, top="#content", until=None, height=720):
        """Save a screenshot from ``top`` (an element or a number) to ``until`` or ``height``."""
        page = self.page
        page.evaluate("document.activeElement.blur()")
        page.evaluate("document.querySelector('#toggle-nav-sidebar')?.remove()")
        start = _edge(page, top, "y") if isinstance(top, str) else top
        end = _edge(page, until, "end") + 16 if until else start + height
        shot = page.screenshot(
            full_page=True,
            clip={"x": 0, "y": max(0, start), "width": WIDTH, "height": end - max(0, start)},
        )
        write(shot, PICTURES / f"{name}-{self.language}.png")


def _edge(page, selector, side):
    box = page.locator(f"{selector} >> visible=true").first.bounding_box()
    top = box["y"] + page.evaluate("scrollY")
    return top if side == "y" else top + box["height"]


def write(shot, path):
    """Write a screenshot with few colours; exit if it is still too large."""
    few = Image.open(io.BytesIO(shot)).convert("RGB")
    few = few.quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)
    if path.stat().st_size > MAX_BYTES:
        sys.exit(f"{path.name} is larger than {MAX_BYTES} bytes: show less of the page.")


def create_account(site, name, group):
    """Create an account with the project's command; return its password."""
    printed = site.manage("create_editor", name, "--group", group, "--generate-password")
    return re.search(r"only now: (\S+)", printed)[1]


def number_of(site, model, **fields):
    """Return the primary key of a record."""
    found = ", ".join(f"{name}={value!r}" for name, value in fields.items())
    code = f"from allies.models import {model}; print({model}.objects.get({found}).pk)"
    return site.shell(code)


def draw_editing(site, editor):
    """Sign in; add a source, an event and a list; send the event for review."""
    page, language = editor.page, editor.language
    indonesia, russia = (number_of(site, "Country", alpha3=code) for code in ("IDN", "RUS"))
    editor.picture("sign-in", top=0, height=420)
    editor.sign_in()
    editor.picture("dashboard", top=0, height=640)

    publisher, title = SOURCE[language]
    editor.go("admin/allies/source/add/")
    page.fill("#id_key", "harbour-2026")
    page.select_option("#id_kind", "news")
    page.fill("#id_publisher", publisher)
    page.fill("#id_title", title)
    page.fill("#id_url", "https://press.example/2026/05/ministers-meet")
    page.fill("#id_date_published", EVENT[language][1])
    page.fill("#id_language", language)
    editor.picture("source", until=".submit-row")
    page.click("button[value=submit]")
    page.wait_for_selector(".messagelist")

    title, day = EVENT[language]
    editor.go("admin/allies/event/add/")
    page.select_option("#id_kind", "visit")
    page.select_option("#id_certainty", "confirmed")
    page.fill("#id_title_en" if language == "en" else "#id_title_ind", title)
    page.fill("#id_date", day)
    editor.add_row("participations")
    editor.add_row("participations")
    for row, (number, name, role) in enumerate(
        ((indonesia, "Indonesia", "host"), (russia, RUSSIA[language], "visitor"))
    ):
        editor.choose(f"participations-{row}-country", number, name)
        page.select_option(f"#id_participations-{row}-role", role)
    editor.picture("event", until="#participations-group")
    editor.save()
    editor.picture("missing", top=".messagelist", until=".missing")

    source = number_of(site, "Source", key="harbour-2026")
    editor.add_row("citations")
    editor.choose("citations-0-source", source, f"{SOURCE[language][0]}: {SOURCE[language][1]}")
    page.select_option("#id_citations-0-stance", "supports")
    page.fill("#id_citations-0-locator", "§ 3")
    editor.picture("citation", top="#citations-group", until="#citations-group")
    page.fill("#id_reason", REASON[language])
    editor.picture("steps", top=".why", until=".submit-row >> nth=-1")
    page.click("button[value=submit]")
    page.wait_for_selector(".messagelist")
    event = page.url.rstrip("/").split("/")[-2]

    editor.go("admin/allies/allylist/add/")
    page.fill("#id_title_en" if language == "en" else "#id_title_ind", LIST[language])
    editor.choose("focus", indonesia, "Indonesia")
    editor.add_row("entries")
    page.fill("#id_entries-0-position", "1")
    editor.choose("entries-0-country", russia, RUSSIA[language])
    editor.picture("list", until="#entries-group")
    return event


def draw_proposal(site, editor, reviewer):
    """Propose a change to a published event as an editor; open the proposal as a reviewer."""
    published = number_of(site, "Event", slug="unga-es-11-1")
    page = editor.page
    editor.go(f"admin/allies/event/{published}/change/")
    page.fill("#id_place_en", "New York, General Assembly Hall")
    page.fill("#id_reason", REASON[editor.language])
    editor.picture("propose", top=".why", until="button[name=_propose]")
    page.click("button[name=_propose]")
    page.wait_for_selector(".messagelist")
    reviewer.go("admin/allies/changeset/?state__exact=proposed")
    reviewer.page.click("#result_list tbody th a")
    reviewer.page.wait_for_selector("input[name=approve]")
    reviewer.picture("proposal", until=".submit-row")


def draw_review(site, reviewer, event):
    """Open the records waiting for review, publish the source, preview and schedule the event."""
    reviewer.sign_in()
    reviewer.picture("review", until=".desk")
    source = number_of(site, "Source", key="harbour-2026")
    reviewer.go(f"admin/allies/source/{source}/change/")
    reviewer.page.click("button[value=publish]")
    reviewer.page.wait_for_selector(".messagelist")
    reviewer.go(f"admin/allies/event/{event}/public/")
    reviewer.picture("preview", top=0, until="main")
    reviewer.go(f"admin/allies/event/{event}/change/")
    reviewer.page.fill("#id_due_at", "2027-01-15T09:00")
    reviewer.picture("schedule", top=".why", until=".later")


def draw_correction(reader, reviewer):
    """Report an error as a reader; open the report as a reviewer."""
    text, evidence = REPORT[reader.language]
    reader.go("events/unga-es-11-1/correct/")
    reader.page.fill("#id_text", text)
    reader.page.fill("#id_evidence", evidence)
    reader.page.wait_for_timeout(4000)  # forms sent within three seconds are refused as spam
    reader.page.click("main form button[type=submit]")
    reader.page.wait_for_url("**/sent/")
    reviewer.go("admin/allies/correction/")
    reviewer.page.click("#result_list tbody th a")
    reviewer.page.wait_for_selector("#id_answer")
    reviewer.picture("correction", until=".submit-row")


def draw_import(manager):
    """Upload a file and map its columns; preview, apply and undo another file."""
    page, language = manager.page, manager.language
    manager.sign_in()
    manager.go("admin/allies/alliance/")
    manager.picture("buttons", height=340)
    _upload(manager, "alliances", *FILES[language], picture="upload")
    manager.picture("layout", until="#content-main section >> nth=0")
    manager.picture("mapping", top="#content-main section >> nth=1", height=900)
    _upload(manager, "aliases", "names.csv", NAMES_FILE)
    page.click("input[name=check]")
    page.wait_for_selector("input[name=recheck]")
    manager.picture("check", until=".submit-row")
    page.click("input[name=apply]")
    page.wait_for_selector("dl.facts")
    manager.picture("applied", until=".submit-row")
    page.click("input[name=undo]")
    page.wait_for_selector("#reason")
    manager.picture("undo", until=".submit-row")


def _upload(manager, record_type, name, content, picture=""):
    page = manager.page
    manager.go(f"admin/allies/changeset/add/?noun={record_type}")
    file = {"name": name, "mimeType": "text/csv", "buffer": content.encode()}
    page.set_input_files("#id_file", file)
    if picture:
        manager.picture(picture, until=".submit-row")
    page.click(".submit-row input")
    page.wait_for_selector("input[name=check]")


def draw(browser, site, address, language):
    passwords = {
        name: create_account(site, name, group)
        for name, group in (("ani", "Editors"), ("rita", "Reviewers"), ("dana", "Data managers"))
    }
    # Alternative names are always public, so importing them needs this permission too.
    site.shell(
        "from django.contrib.auth.models import Permission, User;"
        "User.objects.get(username='dana').user_permissions.add("
        "Permission.objects.get(codename='change_alias'))"
    )
    people = {
        name: Person(browser, address, language, name, word) for name, word in passwords.items()
    }
    reader = Person(browser, address, language)
    event = draw_editing(site, people["ani"])
    draw_review(site, people["rita"], event)
    draw_proposal(site, people["ani"], people["rita"])
    draw_correction(reader, people["rita"])
    draw_import(people["dana"])
    for person in (reader, *people.values()):
        if person.page.problems:
            sys.exit("\n".join(person.page.problems))
        person.page.context.close()


def main(languages):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("Pictures need chromium (Debian: apt-get install chromium).")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        browser = stack.enter_context(launched(chromium))
        for language in languages:
            with site_of_its_own("handbook") as site:
                site.worker()
                draw(browser, site, site.serve(), language)
    print(f"{len(list(PICTURES.glob('*.png')))} pictures in {PICTURES.relative_to(Path.cwd())}/")


if __name__ == "__main__":
    main(sys.argv[1:] or ["en", "id"])
