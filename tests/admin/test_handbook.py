"""The handbook: for staff only, with its pictures, and with the labels of the interface."""

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.conf import settings
from django.contrib import admin
from django.contrib.staticfiles import finders
from django.urls import reverse
from django.utils.translation import override

from allies.admin.handbook import PAGES, read_page

pytestmark = pytest.mark.django_db

DOCS = settings.BASE_DIR / "docs"
FILES = sorted(path for page in PAGES for path in DOCS.glob(f"{page}*.md"))
#: Pages in which bold text is the label of a button, a field or a heading of the interface.
STEPS = [DOCS / f"{page}{end}.md" for page in ("data", "editors") for end in ("", ".id")]
MAX_BYTES = 120_000

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
each_page = pytest.mark.parametrize("page", PAGES)


@each_page
@pytest.mark.parametrize("language", ["en", "id"])
def test_every_page_opens_for_staff(page, language, editor, login_as):
    with override(language):
        address = reverse("admin:handbook-page", args=[page])
    response = login_as(editor).get(address)
    assert response.status_code == 200
    shown = response.content.decode()
    assert str(read_page(page, language).title) in shown
    assert "<article" in shown
    # Links to Markdown files do not work here.
    assert not re.search(r'href="[^":]*\.md', shown.partition("<article")[2])


def test_visitor_is_redirected_to_login(client):
    response = client.get("/en/admin/handbook/")
    assert response.status_code == 302
    assert "/admin/login/" in response.url


def test_unknown_page_is_404(editor, login_as):
    assert login_as(editor).get("/en/admin/handbook/operating/").status_code == 404


def test_installation_without_docs_is_404(editor, login_as, settings, tmp_path):
    settings.BASE_DIR = tmp_path
    assert login_as(editor).get("/en/admin/handbook/").status_code == 404


def test_dashboard_and_header_link_to_the_handbook(editor, login_as):
    page = login_as(editor).get("/en/admin/").content.decode()
    assert page.count('href="/en/admin/handbook/"') == 2


def test_untranslated_page_is_shown_in_english_with_a_note(editor, login_as):
    page = login_as(editor).get("/id/admin/handbook/mappings/").content.decode()
    assert '<article lang="en">' in page
    assert "belum diterjemahkan" in page


@each_file
def test_links_and_pictures_exist(path):
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", text)):
        if "://" in target:
            continue
        name, _hash, anchor = target.partition("#")
        found = DOCS / (name or path.name)
        assert found.is_file(), f"{path.name} leads to {target}"
        if name.endswith(".md"):
            assert name.removesuffix(".md").split(".")[0] in PAGES, target
        if anchor:
            language = path.stem.partition(".")[2] or "en"
            page = found.name.split(".")[0]
            anchors = {section.anchor for section in read_page(page, language).sections}
            assert anchor in anchors, target


@each_file
def test_pictures_are_small_and_served(path):
    for name in re.findall(r"\]\(screenshots/handbook/([^)]+)\)", path.read_text(encoding="utf-8")):
        assert (DOCS / "screenshots" / "handbook" / name).stat().st_size < MAX_BYTES
        assert finders.find(f"handbook/{name}")


def test_every_picture_is_used():
    used = {
        name
        for path in FILES
        for name in re.findall(r"screenshots/handbook/([^)]+)\)", path.read_text(encoding="utf-8"))
    }
    assert used == {path.name for path in (DOCS / "screenshots" / "handbook").glob("*.png")}


#: Sources of the interface texts: Django's admin, and ours, which take precedence.
CATALOGUES = [
    Path(admin.__file__).parent / "locale/id/LC_MESSAGES/django.po",
    settings.BASE_DIR / "allies/locale/id/LC_MESSAGES/django.po",
]


def test_image_contains_the_handbook():
    kept = (settings.BASE_DIR / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for page in PAGES:
        assert f"!docs/{page}*.md" in kept
    assert "!docs/screenshots/handbook" in kept


#: Messages of Django's admin that begin or end with the name of a record type.
WITH_NAME = {"Add %(name)s", "Add another %(verbose_name)s"}


def labels(language):
    """Return patterns of all labels in a language, in lower case."""
    messages = {}
    for catalogue in CATALOGUES:
        with catalogue.open("rb") as file:
            for message in read_po(file, locale="id"):
                messages[message.id, message.context] = message.string
    found = set()
    for (original, _context), translation in messages.items():
        said = original if language == "en" else translation
        for text in said if isinstance(said, (tuple, list)) else [said]:
            pattern = re.escape(text.strip().rstrip(":").lower())
            if original in WITH_NAME:
                pattern = re.sub(r"%\\\(\w+\\\)s", r"[\\w ]+", pattern)
            found.add(pattern)
    return found


@pytest.mark.parametrize("path", STEPS, ids=lambda path: path.name)
def test_bold_words_are_labels_of_the_interface(path):
    said = re.compile("|".join(labels(path.stem.partition(".")[2] or "en")))
    bold = re.findall(r"\*\*([^*]+)\*\*", re.sub(r"`[^`]*`", "", path.read_text("utf-8")))
    assert bold
    # A sentence in bold is a rule, not a label.
    words = [" ".join(text.split()) for text in bold if not text.endswith(".")]
    assert [text for text in words if not said.fullmatch(text.lower())] == []
