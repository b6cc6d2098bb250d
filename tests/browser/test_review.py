"""Draft, proposal, approval and undo with several users, in both languages; and the dashboard."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.driver import opened
from tests.browser.test_editor_journey import PASSWORD

pytestmark = pytest.mark.browser

PEOPLE = f"""
from django.contrib.auth.models import Group, User
for name, group in (("edi", "Editors"), ("rita", "Reviewers"), ("dana", "Data managers")):
    user = User.objects.create_user(name, password={PASSWORD!r}, is_staff=True)
    user.groups.add(Group.objects.get(name=group))
"""

DRAFT = """
from tests import factories
event = factories.event(("RUS", "host"), status="draft",
    title_en="Ministers meet", title_ind="Temu")
print(event.pk)
"""

PROPOSAL = """
from tests import factories
from allies.models import Changeset
event = factories.event(("RUS", "host"), title_en="Before")
draft = factories.event(("RUS", "host"), status="draft", cited=False)
change = {"key": f"event-{event.pk}", "what": "changed", "fields": {"title_en": ["Before", "A"]}}
proposal = Changeset.objects.create(
    kind="edit", state="proposed", about_noun="event", about_id=event.pk, changes=[change]
)
print(proposal.pk, event.pk, draft.pk, event.citations.get().source_id)
"""


@pytest.fixture
def address(live_site):
    """A site with a web server, a worker and three users; return its URL."""
    live_site.shell(PEOPLE)
    live_site.worker()
    return live_site.serve()


@pytest.fixture
def at_desk(chromium, address):
    """Return a function that opens a page with a signed-in user; None opens it as a reader."""
    pages = []

    def page_of(name, language="en", **options):
        page = opened(chromium, viewport={"width": 1280, "height": 900}, **options)
        page.set_default_timeout(15_000)
        pages.append(page)
        if name:
            page.goto(f"{address}/{language}/admin/")
            page.fill("#id_username", name)
            page.fill("#id_password", PASSWORD)
            page.click("input[type=submit]")
            page.wait_for_selector("#user-tools")
        return page

    yield page_of
    for page in pages:
        page.context.close()


def of_event(site, pk, field):
    code = f"from allies.models import Event; print(Event.objects.get(pk={pk}).{field})"
    return site.shell(code)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", {"proposed": "is waiting for review", "history": "corrected from"}),
        ("id", {"proposed": "menunggu tinjauan", "history": "dikoreksi dari"}),
    ],
)
def test_record_from_draft_to_undo_with_four_users(language, words, at_desk, live_site, address):
    here = f"{address}/{language}"
    draft = live_site.shell(DRAFT)
    public = f"{here}/events/{of_event(live_site, draft, 'slug')}/"
    form = f"{here}/admin/allies/event/{draft}/change/"
    edi, rita, outsider = at_desk("edi", language), at_desk("rita", language), at_desk(None)

    # The editor sends the draft for review, and shows it to an outsider with a preview link.
    edi.goto(form)
    edi.click("button.step-submit")
    edi.wait_for_selector(".messagelist .success")
    edi.goto(f"{here}/admin/allies/event/{draft}/links/")
    edi.click("#content-main input[type=submit]")
    link = edi.locator("#content-main td a").first.get_attribute("href")
    outsider.goto(link)
    assert outsider.locator(".preview").count() == 1
    assert outsider.goto(public).status == 404

    # The reviewer finds it on the dashboard and publishes it.
    rita.goto(f"{here}/admin/")
    rita.click(".desk a[href*='event/?attention=in-review']")
    rita.click("#result_list tbody th a")
    rita.click("button.step-publish")
    rita.wait_for_selector(".messagelist .success")
    assert outsider.goto(public).status == 200

    # The editor proposes a change; readers still see the approved version.
    edi.goto(form)
    edi.fill("#id_date", "2024-05-19")
    edi.fill("#id_reason", "The minutes")
    edi.fill("#id_public_note", "The minutes say which day.")
    edi.click("button[name=_propose]")
    assert words["proposed"] in edi.inner_text(".messagelist")
    assert of_event(live_site, draft, "date") == "2024-05"

    # The reviewer compares both versions and approves it; the public history shows the change.
    rita.goto(f"{here}/admin/")
    rita.click(".desk a[href*='state__exact=proposed']")
    rita.click("#result_list tbody th a")
    assert "2024-05-19" in rita.inner_text(".proposed")
    rita.click("input[name=approve]")
    rita.wait_for_selector(".messagelist .success")
    changeset = rita.url
    outsider.goto(public)
    outsider.click(".record-foot a[href$='/history/']")
    told = outsider.inner_text("article")
    assert words["history"] in told
    assert "The minutes say which day." in told

    # The reviewer undoes it; the data manager, who sees changesets, finds both.
    rita.click("input[name=undo]")
    rita.click("input[name=apply]")
    rita.wait_for_selector(".facts", timeout=60_000)
    assert of_event(live_site, draft, "date") == "2024-05"
    dana = at_desk("dana", language)
    dana.goto(changeset)
    assert dana.locator(".errornote a").count() == 1
    for page in (edi, rita, dana):
        assert page.problems == []
    said = [problem for problem in outsider.problems if "404" not in problem]
    assert said == []


def test_proposal_is_approved_by_keyboard(at_desk, live_site, address):
    proposal, event, *_rest = live_site.shell(PROPOSAL).split()
    page = at_desk("rita")
    page.goto(f"{address}/en/admin/allies/changeset/{proposal}/")
    page.focus("#id_note")
    page.keyboard.type("Agreed")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".messagelist .success")
    assert of_event(live_site, event, "title_en") == "A"


def test_admin_pages_pass_axe(at_desk, live_site, address):
    proposal, event, draft, source = live_site.shell(PROPOSAL).split()
    pages = (
        "",
        "allies/changeset/",
        f"allies/changeset/{proposal}/",
        "allies/event/?attention=one-source",
        f"allies/event/{event}/change/",
        f"allies/event/{draft}/change/",
        f"allies/event/{event}/history/",
        f"allies/event/{event}/links/",
        f"allies/source/{source}/change/",
        "allies/source/add/",
    )
    # axe is an inline script, which the site's content security policy refuses.
    page = at_desk("rita", bypass_csp=True)
    found = []
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        for path in pages:
            page.goto(f"{address}/en/admin/{path}")
            for violation in Axe().run(page).response["violations"]:
                if violation["impact"] in ("serious", "critical"):
                    nodes = [node["html"][:160] for node in violation["nodes"][:3]]
                    found.append(f"{width} {path}: {violation['id']}: {nodes}")
    assert found == []
