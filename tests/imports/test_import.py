"""Import real files: accepted rows, refused rows, and all-or-nothing."""

import datetime as dt
import re
import tracemalloc

import pytest
from django.core.management import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from allies.imports.own_csv import UnreadableFile
from allies.imports.runner import ImportRejected
from allies.models import (
    Alias,
    Alliance,
    Citation,
    Country,
    Event,
    Membership,
    OldSlug,
    Participation,
    Source,
)
from tests import factories
from tests.imports.files import command, export, load, write

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("demo_data")]


def errors(noun, path, **options):
    """Return the errors of a dry run as (row, column, value, message)."""
    report = load(noun, path, commit=False, **options)
    return [(e.row, e.column, e.value, e.message) for e in report.errors]


def test_error_has_row_column_value_and_accepted_values(tmp_path):
    file = write(
        tmp_path / "m.csv",
        [
            {"alliance": "iran-russia-economic-and-military-ties", "country": "Atlantis"},
            {"alliance": "no-such-pact", "country": "RUS", "role": "boss", "joined": "03/04/2020"},
        ],
    )
    found = errors("memberships", file)
    assert [(row, column, value) for row, column, value, _text in found] == [
        (2, "country", "Atlantis"),
        (3, "alliance", "no-such-pact"),
        (3, "role", "boss"),
        (3, "joined", "03/04/2020"),
    ]
    assert "alpha-3" in found[0][3]
    assert "member, guarantor" in found[2][3]
    assert "“4 March 2020” or “3 April 2020”" in found[3][3]


def test_empty_choice_lists_accepted_values(tmp_path):
    file = write(tmp_path / "e.csv", [{"slug": "e", "kind": "", "date": "2024"}])
    ((row, column, _value, message),) = errors("events", file)
    assert (row, column) == (2, "kind")
    assert "visit, summit" in message


def test_unknown_country_is_refused_with_similar_names(tmp_path):
    file = write(
        tmp_path / "a.csv",
        [{"country": "Rusia Federasi", "name": "X"}, {"country": "Rusiaa", "name": "Y"}],
    )
    before = Country.objects.count()
    with pytest.raises(ImportRejected) as refusal:
        load("aliases", file)
    assert "RUS" in refusal.value.reports[0].errors[1].message
    assert Country.objects.count() == before


def test_one_bad_row_refuses_the_whole_file(tmp_path):
    rows = [{"country": "RUS", "name": f"Name {n}"} for n in range(1500)]
    rows.append({"country": "Nowhere", "name": "Z"})
    before = (Alias.objects.count(), Alias.history.count())
    with pytest.raises(ImportRejected) as refusal:
        load("aliases", write(tmp_path / "a.csv", rows))
    assert refusal.value.reports[0].errors[0].row == 1502
    assert (Alias.objects.count(), Alias.history.count()) == before


def test_dry_run_runs_only_selects(tmp_path):
    file = write(tmp_path / "a.csv", [{"country": "RUS", "name": "Rusija"}])
    with CaptureQueriesContext(connection) as queries:
        report = load("aliases", file, commit=False)
    assert report.created == 1
    assert queries
    # PostgreSQL reads a long result through a cursor, which is declared for a SELECT.
    reads = re.compile(r"(DECLARE \S+ NO SCROLL CURSOR (WITH HOLD )?FOR )?SELECT")
    assert [query["sql"] for query in queries if not reads.match(query["sql"])] == []


def test_queries_grow_with_chunks_not_with_rows(tmp_path):
    def queries_for(count):
        rows = [
            {"event": "unga-es-11-1", "country": c.alpha3, "role": "for"}
            for c in Country.objects.exclude(alpha3="")[:count]
        ]
        with CaptureQueriesContext(connection) as queries:
            load("participations", write(tmp_path / "p.csv", rows), commit=False)
        return len(queries)

    assert queries_for(200) == queries_for(10)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path):
    events = [factories.event(cited=False, slug=f"vote-{n}") for n in range(60)]
    codes = list(Country.objects.exclude(alpha3="").values_list("alpha3", flat=True))

    def peak(number):
        rows = [
            {"event": event.slug, "country": code, "role": "for"}
            for event in events[:number]
            for code in codes
        ]
        file = write(tmp_path / f"{number}.csv", rows)
        tracemalloc.start()
        report = load("participations", file, commit=False)
        _now, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert report.created == len(rows)
        return most

    peak(5)
    assert peak(60) < 1.2 * peak(12)


def test_repeated_row_counts_once(tmp_path):
    row = {"event": "unga-es-11-1", "country": "THA", "role": "for"}
    file = write(tmp_path / "p.csv", [row, {**row, "country": "Thailand"}])
    report = load("participations", file)
    assert (report.rows, report.created, report.repeated) == (2, 1, 1)


def test_repeated_row_with_other_values_is_refused(tmp_path):
    row = {"ally_list": "russia-allies-in-asia", "country": "THA", "position": "7"}
    file = write(tmp_path / "e.csv", [row, {**row, "country": "Thailand", "position": "8"}])
    ((number, column, value, message),) = errors("entries", file)
    assert (number, column) == (3, "ally_list + country")
    assert value == "russia-allies-in-asia / Thailand"
    assert "row 2" in message


def test_name_without_latin_letters_gets_a_slug_from_the_code(tmp_path):
    load("countries", write(tmp_path / "c.csv", [{"alpha3": "XXA", "name_en": "中国"}]))
    assert Country.objects.get(alpha3="XXA").slug == "xxa"
    rows = [{"identifier": "文", "kind": "visit", "title_en": "T", "date": "2024"}]
    ((_row, column, _value, _message),) = errors("events", write(tmp_path / "e.csv", rows))
    assert column == "slug"


@pytest.mark.parametrize("apart", [0, 1000])
@pytest.mark.parametrize("commit", [False, True])
def test_repeated_slug_is_refused_within_and_across_chunks(apart, commit, tmp_path):
    rows = [{"alpha3": "QQA", "name_en": "Cland", "slug": "foo"}]
    rows += [{"cow_code": str(5000 + n), "name_en": f"N {n}"} for n in range(apart)]
    rows.append({"name_en": "Dland", "slug": "foo"})
    file = write(tmp_path / "c.csv", rows, ["alpha3", "cow_code", "name_en", "slug"])
    if commit:
        with pytest.raises(ImportRejected) as refusal:
            load("countries", file)
        report = refusal.value.reports[0]
    else:
        report = load("countries", file, commit=False)
    assert [(e.row, e.column) for e in report.errors] == [(apart + 3, "slug")]
    assert not Country.objects.filter(slug="foo").exists()


def test_withdrawing_all_sources_of_a_record_at_once_is_refused(tmp_path):
    event = factories.event(("RUS", "host"))
    factories.cite(event)
    keys = [citation.source.key for citation in event.citations.all()]
    rows = [{"key": key, "status": "withdrawn"} for key in keys]
    with pytest.raises(ImportRejected):
        load("sources", write(tmp_path / "s.csv", rows))
    assert Event.objects.published().filter(pk=event.pk).exists()


def test_published_source_cannot_derive_from_a_draft(tmp_path):
    draft = factories.source(status="draft")
    rows = [{"key": "dw-2024-en", "derived_from": draft.key}]
    ((_row, column, _value, _text),) = errors("sources", write(tmp_path / "s.csv", rows))
    assert column == "derived_from"


def test_text_over_the_limit_of_the_form_is_refused(tmp_path):
    rows = [{"slug": "e", "kind": "visit", "date": "2024", "summary_en": "x" * 20_001}]
    ((_row, column, _value, _text),) = errors("events", write(tmp_path / "e.csv", rows))
    assert column == "summary_en"


def test_country_identified_by_its_slug_is_not_matched_to_an_alias(tmp_path):
    old = Country.objects.create(name_en="Kingdom of old", slug="siam")
    alliance = factories.alliance("RUS")
    alliance.memberships.create(country=old)
    file = tmp_path / "m.csv"
    file.write_text(export("memberships"), encoding="utf-8", newline="")
    report = load("memberships", file)
    assert (report.created, report.updated) == (0, 0)


def test_row_may_add_a_missing_identifier_to_a_record(tmp_path):
    alliance = factories.alliance("RUS", "CHN", slug="pact")
    file = write(tmp_path / "a.csv", [{"identifier": "x:9", "slug": "pact"}])
    assert load("alliances", file).updated == 1
    alliance.refresh_from_db()
    assert alliance.identifier == "x:9"
    other = write(tmp_path / "b.csv", [{"identifier": "x:10", "slug": "pact", "kind": "entente"}])
    ((_row, column, value, message),) = errors("alliances", other)
    assert (column, value) == ("slug", "pact")
    assert "already has this slug" in message


def test_record_repeated_under_another_identity_is_refused(tmp_path):
    factories.alliance("RUS", "CHN", identifier="x:1", slug="pact")
    rows = [{"identifier": "x:1", "slug": "", "title_en": "A"}]
    rows.append({"identifier": "", "slug": "pact", "title_en": "B"})
    file = write(tmp_path / "a.csv", rows)
    ((row, _column, value, message),) = errors("alliances", file)
    assert (row, value) == (3, "pact")
    assert "row 2" in message


def test_code_of_another_country_is_refused(tmp_path):
    file = write(tmp_path / "c.csv", [{"alpha3": "XYZ", "alpha2": "RU", "name_en": "Ruritania"}])
    ((row, column, value, message),) = errors("countries", file)
    assert (row, column, value) == (2, "alpha2", "RU")
    assert "Another country" in message


def test_source_may_come_before_the_one_it_derives_from(tmp_path):
    file = write(
        tmp_path / "s.csv",
        [
            {"key": "c", "publisher": "C", "title": "c", "derived_from": "b"},
            {"key": "b", "publisher": "B", "title": "b", "derived_from": "a"},
            {"key": "a", "publisher": "A", "title": "a", "derived_from": ""},
        ],
    )
    assert load("sources", file, commit=False).created == 3
    assert load("sources", file).created == 3
    assert {s.origin.key for s in Source.objects.filter(key__in=["b", "c"])} == {"a"}


@pytest.mark.parametrize(
    "rows",
    [
        [("a", "b"), ("b", "a")],
        [("a", "a")],
        [("dw-2024-en", "bisnisupdate-2024")],
        [("dw-2024-en", "new"), ("new", "bisnisupdate-2024")],
    ],
)
def test_cycle_of_derivation_is_refused(rows, tmp_path):
    file = write(
        tmp_path / "s.csv",
        [{"key": k, "publisher": "P", "title": "t", "derived_from": d} for k, d in rows],
    )
    for commit in (False, True):
        if commit:
            with pytest.raises(ImportRejected):
                load("sources", file)
        else:
            assert any("circle" in text for *_where, text in errors("sources", file))
    assert Source.objects.get(key="dw-2024-en").derived_from is None


def test_import_records_user_and_reason_in_the_history(tmp_path, reviewer):
    file = write(tmp_path / "a.csv", [{"country": "RUS", "name": "Rusija", "language": "sr"}])
    load("aliases", file, user=reviewer, reason="From a spreadsheet")
    version = Alias.objects.get(name="Rusija").history.get()
    assert (version.history_user, version.changeset.reason) == (reviewer, "From a spreadsheet")
    assert version.changeset.state == "applied"


def test_renaming_by_import_saves_the_old_slug(tmp_path):
    alliance = factories.alliance("RUS", "CHN", identifier="x:1", slug="before")
    load("alliances", write(tmp_path / "a.csv", [{"identifier": "x:1", "slug": "after"}]))
    assert OldSlug.objects.record_id(Alliance, "before") == alliance.pk


def test_published_record_without_support_is_counted_and_hidden(tmp_path):
    rows = [{"slug": "lonely", "kind": "entente", "title_en": "Lonely", "status": "published"}]
    report = load("alliances", write(tmp_path / "a.csv", rows))
    assert report.unsupported == 1
    assert not Alliance.objects.published().filter(slug="lonely").exists()
    cited = [{"source": "dw-2024-en", "alliance": "lonely"}]
    load("citations", write(tmp_path / "c.csv", cited))
    assert Alliance.objects.published().filter(slug="lonely").exists()


def test_withdrawing_a_needed_source_by_import_is_refused(tmp_path):
    file = write(tmp_path / "s.csv", [{"key": "rferl-2023", "status": "withdrawn"}])
    ((row, _column, _value, message),) = errors("sources", file)
    assert row == 2
    assert "only published source" in message


def test_citation_with_two_targets_or_none_is_refused(tmp_path):
    file = write(
        tmp_path / "c.csv",
        [
            {"source": "dw-2024-en", "alliance": "", "event": ""},
            {
                "source": "dw-2024-en",
                "alliance": "iran-russia-economic-and-military-ties",
                "event": "unga-es-11-1",
            },
        ],
    )
    assert [row for row, *_rest in errors("citations", file)] == [2, 3]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"country,nom\nRUS,x\n", "Unknown column: nom"),
        (b"country,name,name\nRUS,x,y\n", r"Unknown column: name \(2\)"),
        (b'country,name\nRUS,"never closed\n', "Row 2"),
        (b"country,name\nRUS,x\x00y\n", "NUL"),
        (b"PK\x03\x04\x00\x00zip", "damaged"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "PNG"),
    ],
)
def test_file_without_a_table_of_the_record_type_is_refused(content, said, tmp_path):
    file = tmp_path / "strange.csv"
    file.write_bytes(content)
    with pytest.raises(UnreadableFile, match=said):
        load("aliases", file)
    assert not Alias.objects.filter(name="x").exists()


def test_header_of_our_columns_is_detected_whatever_the_rows_contain(tmp_path):
    file = write(tmp_path / "a.csv", [{"country": "RUS", "name": "name"}])
    load("aliases", file)
    assert Alias.objects.filter(name="name").exists()


def test_delimiters_in_prose_do_not_separate_cells(tmp_path):
    rows = [
        {"slug": f"e-{n}", "kind": "visit", "date": "2020", "summary_en": "a; b | c; d\n" * (n + 1)}
        for n in range(5)
    ]
    load("events", write(tmp_path / "e.csv", rows))
    assert Event.objects.get(slug="e-4").summary_en == "a; b | c; d\n" * 5


def test_row_with_an_extra_cell_is_refused(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("country,name\nRUS,x,too many\nRUS,y\n")
    ((row, _column, _value, message),) = errors("aliases", file)
    assert row == 2
    assert "3 cells" in message


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("country;name\nRUS;Façade d’Été\n", "utf-16"),
        ("country\tname\nRUS\tFaçade d’Été\n", "cp1252"),
        ("country,name\rRUS,Façade d’Été\r", "mac_roman"),
    ],
)
def test_other_encodings_and_delimiters_are_read(text, encoding, tmp_path):
    file = tmp_path / "a.csv"
    file.write_bytes(text.encode(encoding))
    load("aliases", file)
    assert Alias.objects.filter(name="Façade d’Été").exists()


def test_byte_order_mark_crlf_and_blank_rows_are_accepted(tmp_path):
    file = tmp_path / "excel.csv"
    file.write_bytes("\ufeffcountry,name\r\nRUS,Rusija\r\n\r\n,\r\n".encode())
    assert load("aliases", file).created == 1


def test_command_previews_and_writes_only_with_commit(tmp_path):
    file = write(tmp_path / "a.csv", [{"country": "RUS", "name": "Rusija"}])
    said = command("import_csv", "aliases", str(file))
    assert "1 new" in said
    assert "--commit" in said
    assert not Alias.objects.filter(name="Rusija").exists()
    command("import_csv", "aliases", str(file), "--commit")
    assert Alias.objects.filter(name="Rusija").exists()


def test_command_fails_on_refused_rows(tmp_path):
    file = write(tmp_path / "a.csv", [{"country": "Nowhere", "name": "x"}])
    with pytest.raises(CommandError, match="Nothing was changed"):
        command("import_csv", "aliases", str(file), "--commit")


class TestRights:
    """Users may import only what they may change by hand."""

    def test_data_manager_imports_drafts(self, data_manager, tmp_path):
        file = write(tmp_path / "e.csv", [{"slug": "e", "kind": "visit", "date": "2024"}])
        load("events", file, user=data_manager)
        assert Event.objects.get(slug="e").status == "draft"

    def test_data_manager_cannot_publish(self, data_manager, tmp_path):
        rows = [
            {"slug": "e", "kind": "visit", "date": "2024", "title_en": "E", "status": "published"}
        ]
        with pytest.raises(ImportRejected):
            load("events", write(tmp_path / "e.csv", rows), user=data_manager)
        assert not Event.objects.filter(slug="e").exists()

    @pytest.mark.parametrize(
        ("noun", "row"),
        [
            ("events", {"slug": "unga-es-11-1", "title_en": "Changed"}),
            ("events", {"slug": "unga-es-11-1", "status": "withdrawn"}),
            ("participations", {"event": "unga-es-11-1", "country": "THA", "role": "for"}),
            ("citations", {"source": "dw-2024-en", "event": "unga-es-11-1"}),
            ("entries", {"ally_list": "russia-allies-in-asia", "country": "IND", "position": "4"}),
            ("sources", {"key": "dw-2024-en", "title": "Changed"}),
        ],
    )
    def test_data_manager_cannot_change_public_records(self, noun, row, data_manager, tmp_path):
        file = write(tmp_path / "x.csv", [row])
        with pytest.raises(ImportRejected) as refusal:
            load(noun, file, user=data_manager)
        assert "don’t have permission to publish" in refusal.value.reports[0].errors[0].message


def test_imprecise_dates_are_parsed_as_in_the_admin(tmp_path):
    rows = [{"slug": "e", "kind": "visit", "date": "Mei 2024"}]
    load("events", write(tmp_path / "e.csv", rows))
    event = Event.objects.get(slug="e")
    assert (event.date, event.date_latest) == ("2024-05", dt.date(2024, 5, 31))


def test_member_that_rejoins_has_two_memberships(tmp_path):
    factories.alliance(slug="club")
    rows = [
        {"alliance": "club", "country": "RUS", "joined": "1990", "left": "1995"},
        {"alliance": "club", "country": "Rusia", "joined": "2000"},
    ]
    load("memberships", write(tmp_path / "m.csv", rows))
    assert Membership.objects.filter(alliance__slug="club").count() == 2


def test_demo_data_loads_again_without_changes():
    before = (Citation.objects.count(), Participation.objects.count(), Citation.history.count())
    said = command("load_demo_data")
    assert said.count("0 new, 0 changed") == 13
    after = (Citation.objects.count(), Participation.objects.count(), Citation.history.count())
    assert after == before
