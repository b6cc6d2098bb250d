"""Footnotes: sources cited in texts, numbered through the page that shows them."""

import re

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from allies.actions.editions import create_edition
from allies.actions.merge import merge_records
from allies.models import Citation, Entry, Event, Source, Status
from tests import factories
from tests.admin.test_permissions import change, form_of
from tests.imports.files import command, load, write

pytestmark = pytest.mark.usefixtures("demo_data")


@pytest.fixture
def sources():
    """Three public sources (alpha, beta and gamma) and a draft."""
    for key in ("alpha", "beta", "gamma"):
        factories.source(
            key=key, publisher=f"The {key}", title=f"What {key} says", date_published="2024"
        )
    factories.source(key="zebra", publisher="Zanzabarra", status=Status.DRAFT)


def page(visitor, record):
    response = visitor.get(record.get_absolute_url())
    assert response.status_code == 200
    return response.content.decode()


def event(text, **given):
    return factories.event(("RUS", "host"), summary_en=text, **given)


def numbers(html):
    return re.findall(r'<a href="#note-(\d+)" id="([^"]+)">\d+</a>', html)


def listed(html):
    """Return the notes as (number, text), without the links back to the text."""
    rows = re.findall(r'<li id="note-(\d+)">(.*?)</li>', html, re.S)
    return [
        (int(n), " ".join(re.sub(r"<a class=\"note-back.*?</a>|<[^>]+>", "", text).split()))
        for n, text in rows
    ]


class TestFootnotesOnPages:
    def test_mark_becomes_a_numbered_note_with_its_source(self, client, sources):
        html = page(client, event("They met [@alpha, p. 4]."))
        assert (
            'They met<sup class="note-ref"><a href="#note-1" id="note-ref-1">1</a></sup>.' in html
        )
        assert listed(html) == [(1, "The alpha What alpha says 2024, p. 4")]
        assert reverse("allies:source-detail", args=["alpha"]) in html
        assert 'href="#note-ref-1" aria-label="Back to note 1 in the text"' in html

    def test_same_source_and_place_share_one_note(self, client, sources):
        html = page(client, event("A [@alpha], b [@beta], c [@alpha], d [@alpha, p. 2]."))
        assert numbers(html) == [
            ("1", "note-ref-1"),
            ("2", "note-ref-2"),
            ("1", "note-ref-1-2"),
            ("3", "note-ref-3"),
        ]
        assert [n for n, _text in listed(html)] == [1, 2, 3]
        assert 'href="#note-ref-1-2" aria-label="Back to note 1 in the text, reference 2"' in html

    def test_several_sources_in_one_mark(self, client, sources):
        html = page(client, event("So [@alpha; @beta, p.  2]."))
        assert re.search(r'<sup class="note-ref"><a [^>]+>1</a>, <a [^>]+>2</a></sup>', html)
        assert listed(html)[1] == (2, "The beta What beta says 2024, p. 2")

    def test_numbers_continue_from_introduction_to_entries_and_citation_notes(
        self, client, sources
    ):
        listing = factories.ally_list("RUS", "CHN", "IND", intro_en="Intro [@gamma].")
        first, second = listing.entries.all()
        Entry.objects.filter(pk=first.pk).update(prose_en="China [@alpha; @gamma].")
        Entry.objects.filter(pk=second.pk).update(prose_en="India [@beta].")
        first.citations.update(note_en="Where [@alpha, p. 9].")
        html = page(client, listing)
        assert [n for n, _id in numbers(html)] == ["1", "2", "1", "3", "4"]
        assert [text.split()[1] for _n, text in listed(html)] == ["gamma", "alpha", "alpha", "beta"]

    def test_alliances_and_source_pages_have_footnotes(self, client, sources):
        alliance = factories.alliance("RUS", "CHN", summary_en="A pact [@alpha].")
        assert listed(page(client, alliance)) == [(1, "The alpha What alpha says 2024")]
        cited = factories.source()
        factories.cite(alliance, cited, note_en="See [@beta].")
        assert listed(page(client, cited)) == [(1, "The beta What beta says 2024")]

    def test_marks_in_quotes_are_not_rendered(self, client, sources):
        record = event("Plain.")
        factories.cite(record, quote="He wrote [@alpha].")
        html = page(client, record)
        assert "He wrote [@alpha]." in html
        assert listed(html) == []

    def test_page_without_marks_has_no_list_of_notes(self, client):
        assert 'id="notes"' not in page(client, event("Plain, with a@b.example [and so on]."))

    @pytest.mark.parametrize(
        "text",
        [
            "`[@alpha]`",
            "```\n[@alpha]\n```",
            "    [@alpha]",
            "\\[@alpha]",
            "[@alpha](https://example.org)",
            "[@alpha says so]",
        ],
    )
    def test_text_that_is_not_a_mark_is_unchanged(self, client, sources, text):
        html = page(client, event(text))
        assert "@alpha" in html
        assert listed(html) == []

    @pytest.mark.parametrize(
        "text",
        [
            '<sup data-note="1"></sup> [@alpha]',
            '[x](https://example.org "<sup data-note=\\"1\\"></sup>") [@alpha]',
            "[@alpha, <script>alert(1)</script>]",
            '[@alpha, "><img src=x onerror=alert(1)>]',
        ],
    )
    def test_html_in_marks_is_escaped(self, client, sources, text):
        html = page(client, event(text))
        main = html[html.index("<article") : html.index("</article")]
        assert "<script" not in main
        assert "<img" not in main
        assert len(numbers(html)) == len(listed(html)) == 1

    def test_same_text_has_different_numbers_on_another_page(self, client, sources):
        text = "Same [@alpha]."
        assert numbers(page(client, event(text)))[0][0] == "1"
        listing = factories.ally_list("RUS", "CHN", intro_en="First [@beta].")
        listing.entries.update(prose_en=text)
        assert [n for n, _id in numbers(page(client, listing))] == ["1", "2"]


class TestHiddenSources:
    @pytest.mark.parametrize("key", ["zebra", "vanished"])
    def test_mark_is_hidden_from_readers_and_shown_in_preview(
        self, key, client, sources, reviewer, login_as
    ):
        record = event(f"They met [@{key}; @alpha] twice [@{key}].")
        html = page(client, record)
        assert key not in html
        assert "Zanzabarra" not in html
        assert "twice.</p>" in html
        assert len(numbers(html)) == 1
        preview = login_as(reviewer).get(reverse("admin:allies_event_public", args=[record.pk]))
        assert preview.content.decode().count("[?]</span>") == 2

    def test_publication_issues_name_unpublished_sources(self, sources):
        record = event("A [@zebra] and [@alpha].", status=Status.DRAFT)
        said = "These cited sources are not published: zebra."
        assert record.publication_issues() == [said]
        listing = factories.ally_list("RUS", "CHN")
        entry = listing.entries.get()
        entry.citations.update(note_ind="Lihat [@zebra].")
        assert listing.publication_issues() == [said]
        Source.objects.filter(key="zebra").update(status=Status.PUBLISHED)
        assert record.publication_issues() == listing.publication_issues() == []

    def test_public_record_can_be_saved(self, sources, reviewer, login_as):
        record = event("Plain.")
        data = form_of(login_as(reviewer), change(record))
        login_as(reviewer).post(change(record), {**data, "summary_en": "With [@zebra]."})
        record.refresh_from_db()
        assert record.summary_en == "With [@zebra]."


class TestQueries:
    def count(self, visitor, record):
        page(visitor, record)
        with CaptureQueriesContext(connection) as queries:
            page(visitor, record)
        return len(queries)

    @pytest.mark.usefixtures("no_page_cache")
    def test_notes_of_a_page_cost_one_query(self, client, sources):
        listing = factories.ally_list("RUS", "CHN", "IND", "DEU")
        before = self.count(client, listing)
        listing.intro_en = "Intro [@alpha]."
        listing.save()
        assert self.count(client, listing) == before + 1
        for entry, key in zip(listing.entries.all(), ("beta", "gamma", "zebra"), strict=True):
            entry.prose_en = f"Text [@{key}]."
            entry.save()
            entry.citations.update(note_en=f"Note [@{key}, p. 2].")
        assert self.count(client, listing) == before + 1

    def test_changed_text_is_shown_at_once(self, client, sources):
        record = event("One [@alpha].")
        assert listed(page(client, record))[0][1].startswith("The alpha")
        record.summary_en = "One [@beta]."
        record.save()
        assert listed(page(client, record))[0][1].startswith("The beta")


class TestUnknownKeys:
    def test_record_refuses_unknown_keys_per_field_with_one_query_per_text(self, sources):
        record = event("A [@alpha], [@nope; @neither, p. 3], `[@code]`.")
        with CaptureQueriesContext(connection) as queries, pytest.raises(ValidationError) as found:
            record.clean_fields()
        assert len([q for q in queries if '"key" IN' in q["sql"]]) == 1
        assert found.value.message_dict == {
            "summary_en": ["“summary (English)” cites sources that do not exist: neither, nope."]
        }

    def test_form_shows_the_error(self, sources, reviewer, login_as):
        record = event("Plain.")
        client = login_as(reviewer)
        data = form_of(client, change(record))
        answer = client.post(change(record), {**data, "summary_ind": "A [@nope]."})
        assert answer.status_code == 200
        assert "“summary (Indonesian)” cites sources that do not exist: nope." in (
            answer.content.decode()
        )

    def test_file_errors_name_row_and_column_with_one_query_per_chunk(self, tmp_path, sources):
        def rows(number):
            return [
                {"slug": f"e-{n}", "kind": "visit", "title_en": f"E {n}", "date": "2024"}
                | {"summary_en": f"Text {n} [@alpha]", "summary_ind": "[@nope]" if n == 3 else ""}
                for n in range(number)
            ]

        def queries(number):
            file = write(tmp_path / "e.csv", rows(number))
            with CaptureQueriesContext(connection) as found:
                report = load("events", file, commit=False)
            asked = [q for q in found if '"allies_source"."key" IN' in q["sql"]]
            return len(asked), [(e.row, e.column, e.value, e.message) for e in report.errors]

        assert queries(10) == queries(900)
        asked, errors = queries(900)
        assert asked == 1
        said = "“summary (Indonesian)” cites sources that do not exist: nope."
        assert errors == [(5, "summary_ind", "[@nope]", said)]

    def test_files_of_citations_and_entries_are_checked(self, tmp_path, sources):
        listing = factories.ally_list("RUS", "CHN")
        entries = [{"ally_list": listing.slug, "country": "CHN", "position": 1}]
        file = write(tmp_path / "n.csv", [{**entries[0], "prose_en": "[@nope]"}])
        assert load("entries", file, commit=False).error_count == 1
        cited = {"source": "alpha", "entry": f"{listing.slug}/CHN", "quote": "[@verbatim]"}
        file = write(tmp_path / "c.csv", [{**cited, "note_en": "[@nope]"}])
        assert load("citations", file, commit=False).error_count == 1
        load("citations", write(tmp_path / "c.csv", [{**cited, "note_en": "[@beta]"}]))
        assert Citation.objects.filter(quote="[@verbatim]", note_en="[@beta]").exists()

    def test_unchanged_fields_of_a_row_are_not_checked(self, tmp_path, sources):
        record = event("Old [@gone].")
        file = write(tmp_path / "e.csv", [{"slug": record.slug, "place_en": "Moscow"}])
        assert load("events", file).updated == 1

    def test_package_may_contain_a_source_and_a_text_that_cites_it(self, tmp_path, sources):
        event("From the package [@zebra].", slug="from-the-package", status=Status.DRAFT)
        whole = tmp_path / "site.zip"
        command("export_package", str(whole))
        Event.objects.get(slug="from-the-package").delete()
        Source.objects.get(key="zebra").delete()
        command("import_package", str(whole), commit=True)
        assert Event.objects.get(slug="from-the-package").summary_en == "From the package [@zebra]."

    def test_import_of_several_files_accepts_marks_of_its_own_sources(self, tmp_path):
        from allies.imports.own_csv import read_csv
        from allies.imports.resources import RESOURCES
        from allies.imports.runner import run_import

        new = write(tmp_path / "s.csv", [{"key": "newest", "publisher": "P", "title": "T"}])
        texts = write(
            tmp_path / "e.csv",
            [{"slug": "e", "kind": "visit", "title_en": "E", "date": "2024"}
             | {"summary_en": "[@newest]"}],
        )  # fmt: skip
        files = [
            (noun, read_csv(path, RESOURCES[noun]().columns))
            for noun, path in (("sources", new), ("events", texts))
        ]
        assert all(report.ok for report in run_import(files, commit=True))
        assert Event.objects.get(slug="e").summary_en == "[@newest]"


class TestMergedSource:
    """A mark with the key of a merged source leads to the source that was kept."""

    TEXT = "They met [@alpha, p. 4], and [@beta, p. 4], then [@zebra] [@gamma]."
    NOTES = ["The beta What beta says 2024, p. 4", "The gamma What gamma says 2024"]

    @pytest.fixture
    def merged(self, sources, reviewer):
        def merge_alpha():
            keep, drop = (Source.objects.get(key=key) for key in ("beta", "alpha"))
            merge_records(keep=keep, drop=drop, chosen={}, user=reviewer)

        return merge_alpha

    def test_note_stays_and_both_keys_share_it(self, client, merged):
        meeting = event(self.TEXT)
        merged()
        html = page(client, meeting)
        assert [text for _number, text in listed(html)] == self.NOTES
        assert [number for number, _id in numbers(html)] == ["1", "1", "2"]

    def test_many_merged_keys_cost_no_more_queries(self, client, sources, reviewer):
        keep = Source.objects.get(key="gamma")
        counts = []
        for keys in (["alpha"], [*(f"merged-{n}" for n in range(5)), "beta"]):
            for key in keys:
                drop = Source.objects.filter(key=key).first() or factories.source(key=key)
                merge_records(keep=keep, drop=drop, chosen={}, user=reviewer)
            meeting = event(" ".join(f"Said [@{key}]." for key in keys))
            page(client, meeting)
            with CaptureQueriesContext(connection) as queries:
                page(client, meeting)
            counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_record_can_be_saved_again(self, reviewer, merged, login_as):
        meeting = event(self.TEXT)
        merged()
        client = login_as(reviewer)
        sent = form_of(client, change(meeting)) | {"title_en": "Written since"}
        assert client.post(change(meeting), sent).status_code == 302
        meeting.refresh_from_db()
        assert (meeting.title_en, meeting.summary_en) == ("Written since", self.TEXT)
        missing = [str(lack) for lack in meeting.missing_cited_keys()]
        assert missing == ["These cited sources are not published: zebra."]

    def test_files_may_use_the_old_key_in_texts_and_cells(self, tmp_path, merged):
        meeting = event("")
        merged()
        text = {"slug": meeting.slug, "summary_en": self.TEXT}
        load("events", write(tmp_path / "events.csv", [text]))
        cell = {"source": "alpha", "event": meeting.slug, "locator": "p. 9"}
        load("citations", write(tmp_path / "citations.csv", [cell]))
        meeting.refresh_from_db()
        assert meeting.summary_en == self.TEXT
        assert meeting.citations.get(locator="p. 9").source.key == "beta"

    def test_readers_get_texts_with_current_keys(self, client, merged):
        meeting = event("One [@alpha, p. 4; @beta, p. 4; @zebra], two [@alpha].")
        merged()
        data = client.get(f"/api/v1/events/{meeting.slug}").json()
        assert data["summary_en"] == "One [@beta, p. 4], two [@beta]."

    def test_edition_has_the_note(self, client, merged, reviewer):
        ally_list = factories.ally_list("RUS", "CHN", intro_en="They met [@alpha, p. 4].")
        merged()
        edition = create_edition(ally_list=ally_list, user=reviewer)
        html = page(client, edition)
        assert [text for _number, text in listed(html)] == self.NOTES[:1]
        assert "alpha" not in edition.content

    def test_new_source_with_the_old_key_takes_precedence(self, client, merged):
        meeting = event("They met [@alpha].")
        merged()
        new = factories.source(
            key="alpha", publisher="New alpha", title="Another", status=Status.DRAFT
        )
        assert listed(page(client, meeting)) == [(1, "The beta What beta says 2024")]
        Source.objects.filter(pk=new.pk).update(status=Status.PUBLISHED)
        assert listed(page(client, meeting))[0][1].startswith("New alpha Another")
