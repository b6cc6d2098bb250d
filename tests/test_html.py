"""Every kind of public page is valid HTML according to the Nu checker (vnu), in one run."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from django.utils.translation import override

from tests import factories
from tests.conftest import skip_or_fail_missing
from tests.views import page_urls
from tests.views.page_urls import body

pytestmark = [pytest.mark.sqlite_only, pytest.mark.usefixtures("demo_data")]

INSTALLED = "var/tools/node_modules/vnu-jar/build/dist/vnu.jar"

#: Number of records per view, because pages differ by what their record has.
RECORDS = 3

#: Pages that are not among the URLs of all views: errors, searches, special records.
BESIDES = (
    "no/such/page/",
    "countries/?q=korut",
    "countries/?q=atlantis",
    "countries/russia/allies/?on=2024-13-01&colour=red",
    "countries/russia/allies/?on=1950-06-30&region=142",
    "countries/austria-hungary/",
    "countries/russia/?on=soon",
    "votes/?country=RUS&with=CHN",
    "ties/china/russia/votes/?by=session&measure=lijphart",
    "lists/inews-4-negara-sahabat-rusia/",
    "sources/bisnisupdate-2024/",
)


@pytest.fixture
def checker():
    """Return the command that checks HTML files."""
    jar = Path(os.environ.get("VNU_JAR", Path(__file__).resolve().parents[1] / INSTALLED))
    if shutil.which("java") is None:
        skip_or_fail_missing("java")
    if not jar.is_file():
        skip_or_fail_missing("the Nu checker (vnu-jar, see .ci/run)")
    return ["java", "-Xss1m", "-jar", str(jar), "--errors-only", "--format", "json"]


def pages(visitor):
    """Yield (address, text) of every kind of page in both languages."""
    for language in ("en", "id"):
        with override(language):
            found = [
                address for name in page_urls.names() for address in page_urls.of(name)[:RECORDS]
            ]
        for address in [*found, *(f"/{language}/{path}" for path in BESIDES)]:
            response = visitor.get(address)
            if response["Content-Type"].startswith("text/html"):
                yield address, body(response)


@pytest.mark.slow
def test_every_kind_of_page_is_valid(checker, client, tmp_path):
    hard = 'A "quoted" <b>title</b> & more -- <!-- </script>'
    factories.event(
        ("RUS", "host"), ("CHN", "visitor"), title_en=hard, place_en=hard, summary_en=hard
    )
    factories.cite(factories.alliance("RUS", "CHN", title_ind="", title_en=hard), stance="disputes")
    factories.source(title=hard, publisher=hard, language="fr", author=hard, credit=hard)
    names = {}
    for number, (address, text) in enumerate(pages(client)):
        file = tmp_path / f"{number:04}.html"
        file.write_text(text, encoding="utf-8")
        names[file.name] = address
    assert len(names) > 60
    done = subprocess.run([*checker, str(tmp_path)], capture_output=True, text=True)
    messages = json.loads(done.stderr)["messages"]
    errors = {
        f"{names[Path(message['url']).name]}: {message['message']} {message.get('extract', '')!r}"
        for message in messages
    }
    assert not errors, f"{len(errors)} errors:\n" + "\n".join(sorted(errors)[:40])
