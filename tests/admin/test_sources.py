"""Sources in the admin: duplicates found by address and title, and suggested original sources."""

import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from allies.evidence.origin_suggestions import suggest_origins
from allies.models import Alliance, Changeset, Source, Status
from tests import factories
from tests.admin.test_permissions import change, form_of

pytestmark = pytest.mark.usefixtures("demo_data")

ADD = reverse("admin:allies_source_add")
ADDRESS = "https://www.dw.com/en/stand-by-me/a-1"
PASSAGE = "The two leaders signed a treaty that promises mutual help in case of aggression"


@pytest.fixture
def desk(reviewer, login_as):
    return login_as(reviewer)


def given(**fields):
    return {"key": "new", "kind": "news", "publisher": "DW", "title": "Quite new", **fields}


def known(**fields):
    return factories.source(
        key="known", publisher="DW", title="Stand by me – DW – 06/20/2024", **fields
    )


class TestDuplicates:
    @pytest.mark.parametrize(
        ("stored", "typed"),
        [
            ({"url": ADDRESS}, {"url": "http://m.dw.com/en/stand-by-me/a-1/?utm_source=x#top"}),
            ({"url": ADDRESS}, {"url": f"https://web.archive.org/web/2024/{ADDRESS}"}),
            ({"url": ADDRESS}, {"archive_url": f"https://archive.ph/2024/{ADDRESS}"}),
            ({"archive_url": f"https://web.archive.org/web/2024/{ADDRESS}"}, {"url": ADDRESS}),
            ({"archive_url": "https://archive.is/Ab1"}, {"archive_url": "https://archive.ph/Ab1"}),
            ({}, {"title": "Stand by me", "publisher": "Somebody else"}),
            ({}, {"title": "STAND BY ME | DW News"}),
        ],
    )
    def test_form_names_the_duplicate_and_needs_a_confirmation(self, stored, typed, desk):
        source = known(**stored)
        answer = desk.post(ADD, given(**typed))
        html = answer.content.decode()
        assert answer.status_code == 200
        assert f'href="{change(source)}"' in html
        assert 'type="checkbox" name="is_another"' in html
        assert "Use this source" not in html
        assert not Source.objects.filter(key="new").exists()
        answer = desk.post(ADD, given(**typed, is_another="on"))
        assert answer.status_code == 302
        assert Source.objects.filter(key="new").exists()

    def test_different_document_is_saved_without_confirmation(self, desk):
        known(url=ADDRESS)
        assert 'type="hidden" name="is_another"' in desk.get(ADD).content.decode()
        desk.post(ADD, given(url="https://www.dw.com/en/stand-by-me/a-2"))
        assert Source.objects.filter(key="new").exists()

    def test_confirmation_is_asked_again_only_after_a_change(self, desk):
        known(url=ADDRESS)
        other = factories.source(url=ADDRESS)
        data = form_of(desk, change(other))
        assert desk.post(change(other), {**data, "author": "Anybody"}).status_code == 302
        data = form_of(desk, change(other))
        answer = desk.post(change(other), {**data, "url": f"{ADDRESS}/"})
        assert answer.status_code == 200
        assert change(other) not in re.findall(r'href="([^"]+)" target', answer.content.decode())

    def test_popup_offers_the_existing_source(self, desk):
        source = known(url=ADDRESS)
        html = desk.post(f"{ADD}?_popup=1", given(url=ADDRESS, _popup="1")).content.decode()
        use = reverse("admin:allies_source_use", args=[source.pk])
        assert f'href="{use}?_popup=1"' in html
        chosen = desk.get(f"{use}?_popup=1")
        said = re.search(r'data-popup-response="([^"]+)"', chosen.content.decode())[1]
        said = json.loads(said.replace("&quot;", '"'))
        assert said == {"value": str(source.pk), "obj": str(source)}
        inline = re.findall(r"<script(?![^>]*src=)[^>]*>", chosen.content.decode())
        assert inline == []

    def test_use_link_needs_the_permission_to_view_sources(
        self, client, login_as, django_user_model
    ):
        use = reverse("admin:allies_source_use", args=[known().pk])
        assert client.get(use).status_code == 302
        stranger = django_user_model.objects.create_user("sid", password="x", is_staff=True)
        assert login_as(stranger).get(use).status_code == 403

    def test_form_opened_with_a_known_address_names_the_source(self, desk):
        source = known(url=ADDRESS)
        html = desk.get(f"{ADD}?_popup=1&url={ADDRESS}%3Futm_source=x").content.decode()
        assert f'value="{ADDRESS}?utm_source=x"' in html
        assert f'href="{change(source)}"' in html
        assert "Use this source" in html
        assert "Use this source" not in desk.get(f"{ADD}?url={ADDRESS}x").content.decode()

    def test_messages_are_escaped(self, desk):
        factories.source(title="<b>Bold</b>", url=ADDRESS)
        html = desk.post(ADD, given(url=ADDRESS)).content.decode()
        assert "<b>Bold" not in html
        assert "&lt;b&gt;Bold" in html

    def test_duplicates_take_one_query(self):
        for _n in range(20):
            factories.source(url=ADDRESS, title="Same")
        with CaptureQueriesContext(connection) as queries:
            found = list(Source.objects.duplicates_of(url=ADDRESS, title="Same", publisher="DW"))
        assert (len(found), len(queries)) == (20, 1)
        assert len(Source.objects.duplicates_of(url=ADDRESS, besides=found[0].pk)) == 19

    def test_empty_fields_match_no_duplicates(self):
        factories.source(url="", archive_url="", title="!")
        assert not Source.objects.duplicates_of(url="", title="?", publisher="").exists()

    def test_editor_can_view_a_public_source(self, editor, login_as):
        assert login_as(editor).get(change(known(url=ADDRESS))).status_code == 200


def why(source):
    return {s.source.key: s.reasons for s in suggest_origins(source)}


class TestOriginSuggestions:
    def test_same_title(self):
        known()
        copy = factories.source(publisher="Kompas", title="Stand by me | Kompas")
        assert why(copy) == {"known": ["Same title."]}

    def test_long_common_passage_in_quotes(self):
        original, copy, other = (
            factories.source(key="first"),
            factories.source(),
            factories.source(),
        )
        event = factories.event(("RUS", "host"))
        factories.cite(event, original, quote=f"Moscow. {PASSAGE}, they said.")
        factories.cite(factories.event(("CHN", "host")), copy, quote=f"… {PASSAGE.upper()}!")
        factories.cite(
            event, other, quote=f"{PASSAGE[:55]} and nothing else at all that is the same"
        )
        ((key, (reason,)),) = why(copy).items()
        assert key == "first"
        assert "the two leaders signed a treaty" in reason
        assert why(other) == {}

    @pytest.mark.parametrize(
        ("credit", "named"),
        [
            ("Melansir DW", {"dw"}),
            ("Source: Reuters", {"reuters"}),
            ("Dikutip dari CNN Indonesia, Selasa (20/6)", {"cnn-indonesia"}),
            ("CNN via CNN Indonesia", {"cnn", "cnn-indonesia"}),
            ("Laporan: Réuters & dw", {"reuters", "dw"}),
            ("reported by Reutersville", set()),
            ("Kompas", set()),
            ("via", set()),
            ("", set()),
        ],
    )
    def test_outlet_named_in_the_credit(self, credit, named):
        Source.objects.exclude(derived_from=None).update(derived_from=None, origin=None)
        Source.objects.update(publisher="Someone")
        for name in ("DW", "Reuters", "CNN", "CNN Indonesia", "Kompas", "Via"):
            factories.source(key=name.lower().replace(" ", "-"), publisher=name)
        copy = factories.source(publisher="Kompas", credit=credit)
        assert set(why(copy)) == named

    def test_few_suggestions_and_shared_records_first(self):
        Source.objects.filter(publisher="DW").update(publisher="Someone")
        event = factories.event(("RUS", "host"))
        papers = [factories.source(publisher="DW", date_published=f"200{n}") for n in range(9)]
        factories.cite(event, papers[0])
        copy = factories.source(credit="DW", date_published="2010")
        factories.cite(event, copy)
        found = why(copy)
        assert len(found) == 5
        assert papers[0].key in found

    def test_own_copies_own_original_and_later_sources_are_left_out(self):
        known(date_published="2024-06-20")
        same = {"title": "Stand by me", "publisher": "DW"}
        original = Source.objects.get(key="known")
        copy = factories.source(derived_from=original, **same)
        factories.source(key="later", date_published="2025", **same)
        factories.source(key="undated", **same)
        assert set(why(original)) == {"undated"}
        assert set(why(copy)) == {"later", "undated"}

    def test_suggestions_query_count_is_constant(self):
        def queries():
            copy = factories.source(credit="DW", title="Same")
            factories.cite(factories.event(("RUS", "host")), copy, quote=PASSAGE)
            with CaptureQueriesContext(connection) as found:
                suggest_origins(copy)
            return len(found)

        before = queries()
        for _n in range(10):
            source = factories.source(publisher="DW", title="Same")
            factories.cite(factories.event(("RUS", "host")), source, quote=PASSAGE)
        assert queries() == before <= 6

    def test_button_sets_the_original_source_and_stays_on_the_page(self, desk):
        original = known()
        copy = factories.source(publisher="Kompas", title="Stand by me")
        html = desk.get(change(copy)).content.decode()
        assert f'name="_derive" value="{original.pk}"' in html
        assert "Same title." in html
        answer = desk.post(change(copy), {**form_of(desk, change(copy)), "_derive": original.pk})
        assert answer.url == change(copy)
        copy.refresh_from_db()
        assert copy.derived_from == copy.origin == original
        assert copy.history.first().history_user.username == "rita"
        assert 'name="_derive"' not in desk.get(change(copy)).content.decode()

    def test_button_follows_the_rules_of_the_form(self, desk):
        draft = known(status=Status.DRAFT)
        copy = factories.source(publisher="Kompas", title="Stand by me")
        answer = desk.post(change(copy), {**form_of(desk, change(copy)), "_derive": draft.pk})
        assert "The source it is based on is not published." in answer.content.decode()
        copy.refresh_from_db()
        assert copy.derived_from is None

    def test_editor_proposes_the_original_of_a_public_source(self, editor, data_manager, login_as):
        original = known()
        copy = factories.source(publisher="Kompas", title="Stand by me")
        client = login_as(editor)
        client.post(change(copy), {**form_of(client, change(copy)), "_derive": original.pk})
        copy.refresh_from_db()
        assert copy.derived_from is None
        (proposed,) = Changeset.objects.proposed().get().changes
        assert proposed["fields"] == {"derived_from": [None, original.pk]}
        other = login_as(data_manager)
        assert 'name="_derive"' not in other.get(change(copy)).content.decode()
        assert other.post(change(copy), {"_derive": original.pk}).status_code == 403

    def test_readers_see_the_credit(self, client):
        page = client.get(
            factories.source(credit="Melansir DW").get_absolute_url()
        ).content.decode()
        assert "<dt>Credit</dt><dd>Melansir DW</dd>" in page


@pytest.mark.usefixtures("few_ties")
class TestCountsFollowDerivation:
    """Every page shows one independent source fewer as soon as the derivation is saved."""

    @pytest.fixture
    def alliance(self):
        alliance = factories.alliance("NZL", "FJI", cited=False, title_en="Pact of Counts")
        entry = factories.ally_list("NZL", "FJI", cited=False, slug="list-of-counts").entries.get()
        event = factories.event(
            ("NZL", "host"), cited=False, slug="visit-of-counts", alliance=alliance
        )
        for key in ("one", "other"):
            source = factories.source(key=key)
            for record in (alliance, entry, event):
                factories.cite(record, source)
        return alliance

    def numbers(self, visitor, desk, alliance):
        base = "/en/alliances"
        page = visitor.get(alliance.get_absolute_url()).content.decode()
        listing = visitor.get(f"{base}/?q=pact of counts").content.decode()
        rows = json.loads(self.text(visitor.get(f"{base}.json?q=pact of counts")))
        (row,) = rows["rows"]
        csv_text = self.text(visitor.get(f"{base}.csv?q=pact of counts"))
        country = factories.country("NZL").get_absolute_url()
        (ally,) = [r for r in self.rows(visitor, f"{country}allies.csv") if r["country"] == "FJI"]
        allies = visitor.get(f"{country}allies/").content.decode()
        entry = visitor.get(country).content.decode()
        entries = "/en/lists/list-of-counts"
        (listed,) = self.rows(visitor, f"{entries}.csv")
        admin_list = desk.get(
            reverse("admin:allies_alliance_changelist"), {"q": "pact of counts"}
        ).content.decode()
        return {
            "page": self.said(page),
            "list": self.said(listing),
            "allies": int(re.search(r'data-label="Independent sources">(\d+)', allies)[1]),
            "country": self.said(entry),
            "entry": self.said(visitor.get(f"{entries}/").content.decode()),
            "entries csv": int(listed["independent_sources"]),
            "event": self.said(visitor.get("/en/events/visit-of-counts/").content.decode()),
            "json": row["independent_sources"],
            "csv": int(self.parsed(csv_text)[0]["independent_sources"]),
            "allies csv": int(ally["independent_sources"]),
            "admin": int(re.search(r'field-independent_sources">(\d+)<', admin_list)[1]),
        }

    def text(self, response):
        return b"".join(response.streaming_content).decode("utf-8-sig")

    def parsed(self, text):
        import csv
        import io

        return list(csv.DictReader(io.StringIO(text)))

    def rows(self, visitor, address):
        return self.parsed(self.text(visitor.get(address)))

    def said(self, html):
        return int(re.search(r"(\d+) independent source", html)[1])

    @pytest.mark.slow
    def test_all_pages_show_the_new_count(self, client, desk, alliance):
        assert set(self.numbers(client, desk, alliance).values()) == {2}
        other = Source.objects.get(key="other")
        original = Source.objects.get(key="one").pk
        data = form_of(desk, change(other))
        desk.post(change(other), {**data, "derived_from": original})
        assert set(self.numbers(client, desk, alliance).values()) == {1}
        data = form_of(desk, change(other))
        desk.post(change(other), {**data, "derived_from": ""})
        assert set(self.numbers(client, desk, alliance).values()) == {2}
        assert Alliance.objects.with_evidence().get(pk=alliance.pk).independent_sources == 2
