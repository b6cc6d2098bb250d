"""An import in a real browser on a running site, from the upload to the undo."""

import csv
import re
from pathlib import Path

import pytest

from tests.browser.driver import opened
from tests.decompression_bombs import BOMBS
from tests.imports.files import write

pytestmark = pytest.mark.browser

PASSWORD = "a-long-pass-phrase"


@pytest.fixture
def running(live_site):
    """A site with its web server and its worker; return its URL."""
    live_site.shell(
        "from django.contrib.auth.models import User; "
        f"User.objects.create_superuser('chief', password={PASSWORD!r})"
    )
    address = live_site.serve()
    live_site.worker()
    return address


@pytest.fixture
def page(chromium, running):
    page = opened(chromium, viewport={"width": 1280, "height": 900})
    page.set_default_timeout(30_000)
    page.goto(f"{running}/en/admin/")
    page.fill("#id_username", "chief")
    page.fill("#id_password", PASSWORD)
    page.click("input[type=submit]")
    page.wait_for_selector("#user-tools")
    yield page
    page.context.close()


NOTE_WHAT_IS_SAID = """
addEventListener("DOMContentLoaded", () => {
  const said = document.getElementById("said");
  if (!said) return;
  new MutationObserver(() => {
    const before = sessionStorage.getItem("said") ?? "";
    sessionStorage.setItem("said", `${before}${said.textContent}\\n`);
  }).observe(said, { childList: true, characterData: true, subtree: true });
});
"""


def upload(page, address, noun, file):
    page.goto(f"{address}/en/admin/allies/changeset/add/?noun={noun}")
    page.set_input_files("#id_file", file)
    page.click("text=Upload")
    page.wait_for_selector("input[name=check]")


def check(page):
    page.click("input[name=check]")
    page.wait_for_selector("input[name=recheck]")


def apply(page):
    page.click("input[name=apply]")
    page.wait_for_selector("dl.facts")


def exported(site, name):
    """Return the bytes of a data package with the whole site."""
    site.manage("export_package", site.folder / name)
    return (site.folder / name).read_bytes()


def test_cow_file_is_imported_and_undone(page, running, live_site, shared):
    before = exported(live_site, "before.zip")
    upload(page, running, "alliances", shared / "data/cow/alliance_v4.1_by_member.csv")
    assert page.input_value("input[name=name]") == "COW formal alliances 4.1, by member"
    assert "version4id" in page.inner_text(".first-rows .header")
    check(page)
    counts = page.inner_text("table.counts")
    assert re.search(r"Alliances\s+1221\s+386\s+–\s+28\s", counts)
    assert re.search(r"Memberships\s+1221\s+1033\s+188\s", counts)
    page.fill("#reason", "The Correlates of War, to begin with")
    page.check("input[name=accept-terms]")
    apply(page)
    changeset = page.url
    page.goto(f"{running}/en/alliances/")
    assert "465" in page.inner_text("main")
    page.goto(f"{running}/en/countries/russia/allies/?on=2012-12-31")
    assert "Mongolia" in page.inner_text("main")
    page.goto(f"{running}/en/changes/")
    assert "386 alliances" in page.inner_text("main")
    assert "The Correlates of War, to begin with" in page.inner_text("main")
    page.goto(changeset)
    page.click("input[name=undo]")
    assert "386 would be deleted" in page.inner_text("#content-main")
    apply(page)
    assert exported(live_site, "after.zip") == before
    page.goto(f"{running}/en/alliances/")
    assert "465" not in page.inner_text("main")
    page.goto(f"{running}/en/changes/")
    assert "rolled back later" in page.inner_text("main")
    assert page.problems == []


def test_progress_bar_moves_during_a_large_import(page, running, tmp_path):
    codes = ["RUS", "CHN", "IND", "PRK", "IRN", "IDN", "THA", "VNM", "SYR", "BLR"]
    rows = [
        {"country": code, "name": f"Name {number} of {code}"}
        for number in range(6000)
        for code in codes
    ]
    upload(page, running, "aliases", write(tmp_path / "names.csv", rows))
    page.add_init_script(NOTE_WHAT_IS_SAID)
    page.click("input[name=check]")
    page.wait_for_selector("input[name=recheck]", timeout=60_000)
    said = page.evaluate("sessionStorage.getItem('said')")
    seen = set(re.findall(r"Alternative names ([\d,]+) /", said))
    assert len(seen) > 1
    assert "60000" in page.inner_text("table.counts")
    assert page.problems == []


def test_unknown_country_is_matched_once_and_refused_rows_have_reasons(page, running, tmp_path):
    rows = [
        {"Negara": "Ruritania", "Nama lain": "R1"},
        {"Negara": "Ruritania", "Nama lain": "R2"},
        {"Negara": "Atlantis", "Nama lain": "A1"},
        {"Negara": "Rusia", "Nama lain": "..."},
    ]
    upload(page, running, "aliases", write(tmp_path / "names.csv", rows))
    page.select_option("select[name='0-name-from']", label="Nama lain")
    check(page)
    with page.expect_download() as download:
        page.click("text=Download the refused rows")
    with Path(download.value.path()).open(newline="", encoding="utf-8") as file:
        refused = list(csv.DictReader(file))
    assert [row["Negara"] for row in refused] == ["Ruritania", "Ruritania", "Atlantis", "Rusia"]
    assert "letter or digit" in refused[3]["reason"]
    assert page.locator("input[name=apply]").count() == 0
    page.fill("input[name=is][aria-label=Ruritania]", "Vietnam")
    page.locator("tr", has_text="Atlantis").locator("input[name^=leave]").check()
    page.click("input[name=countries]")
    page.wait_for_selector("input[name=recheck]")
    counts = page.inner_text("table.counts")
    assert "skipped" in counts.lower()
    assert page.locator("table.outcomes tbody tr").count() == 1  # the name without letters
    assert page.problems == []


def test_mapping_page_works_without_javascript_and_fits_a_phone(chromium, running, tmp_path):
    page = opened(chromium, java_script_enabled=False, viewport={"width": 390, "height": 800})
    page.goto(f"{running}/en/admin/")
    page.fill("#id_username", "chief")
    page.fill("#id_password", PASSWORD)
    page.click("input[type=submit]")
    upload(page, running, "aliases", write(tmp_path / "n.csv", [{"country": "RUS", "name": "Rus"}]))
    page.click("input[name=check]")
    page.wait_for_selector("input[name=apply]")  # the page reloads by itself
    page.click("input[name=apply]")
    page.wait_for_selector("dl.facts")
    assert "Rus" in page.goto(f"{running}/en/countries/?q=rus").text()
    page.context.close()


def test_decompression_bomb_is_refused_with_a_message(page, running, tmp_path):
    make, said = BOMBS["ten million unknown elements"]
    page.goto(f"{running}/en/admin/allies/changeset/add/?noun=aliases")
    page.set_input_files("#id_file", make(tmp_path / "bomb.xlsx"))
    page.click("text=Upload")
    page.wait_for_selector("input[name=read]")
    assert said in page.inner_text("[role=alert]")
    page.click("input[name=discard]")
    assert "Nothing was changed" in page.inner_text(".messagelist")
    assert page.problems == []
