"""The admin as editors use it: all pages open, search finds, dates are parsed, CSV works."""

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.translation import override

from allies.models import Alias, Alliance, Country, Event, Record, Source, Status
from tests import factories
from tests.admin.test_permissions import change, form_of

pytestmark = pytest.mark.usefixtures("demo_data")

NOUNS = [model for model in admin.site._registry if issubclass(model, Record)]
each_noun = pytest.mark.parametrize("model", NOUNS, ids=lambda model: model.__name__)


@pytest.fixture
def desk(admin_user, login_as):
    return login_as(admin_user)


@each_noun
@pytest.mark.parametrize("language", ["en", "id"])
def test_every_page_of_a_record_type_opens(model, language, desk):
    name = f"admin:allies_{model._meta.model_name}"
    record = model.objects.first()
    with override(language):
        for view, args in (
            ("changelist", []),
            ("add", []),
            ("import", []),
            ("export", []),
            ("change", [record.pk]),
            ("history", [record.pk]),
            ("delete", [record.pk]),
        ):
            response = desk.get(reverse(f"{name}_{view}", args=args), follow=True)
            assert response.status_code in (200, 403), (view, response.status_code)
        assert desk.get(reverse(f"{name}_changelist") + "?q=kórea").status_code == 200


@each_noun
def test_list_query_count_is_constant(model, desk):
    address = reverse(f"admin:allies_{model._meta.model_name}_changelist")

    def queries():
        desk.get(address)
        with CaptureQueriesContext(connection) as found:
            desk.get(address)
        return len(found)

    before = queries()
    for code in ("IDN", "MYS", "THA", "LAO"):
        factories.alliance("RUS", code)
        factories.event(("RUS", "host"), (code, "visitor"))
        factories.ally_list("RUS", code).see_also.create(
            source=factories.source(derived_from=factories.source())
        )
        Alias.objects.create(country=factories.country(code), name=f"Alias {code}")
    assert queries() == before


@pytest.mark.parametrize("term", ["Tiongkok", "CHN", "710", "cina"])
def test_autocomplete_finds_a_country_by_any_name(term, desk):
    response = desk.get(
        reverse("admin:autocomplete"),
        {"app_label": "allies", "model_name": "membership", "field_name": "country", "term": term},
    )
    assert "China" in [row["text"] for row in response.json()["results"]]


@pytest.mark.parametrize(
    ("term", "found"),
    [("Rusia", "Russia"), ("RU", "Russia"), ("Niger", "Niger"), ("India", "India")],
)
def test_autocomplete_shows_the_exact_name_first(term, found, desk):
    response = desk.get(
        reverse("admin:autocomplete"),
        {"app_label": "allies", "model_name": "membership", "field_name": "country", "term": term},
    )
    assert response.json()["results"][0]["text"] == found


def test_crlf_line_endings_do_not_count_as_a_change(desk):
    event = factories.event(("RUS", "host"), summary_en="One.\n\nTwo.", status=Status.DRAFT)
    sent = {
        name: value.replace("\n", "\r\n") if isinstance(value, str) else value
        for name, value in form_of(desk, change(event)).items()
    }
    assert "\r\n" in sent["summary_en"]
    before = Event.history.filter(pk=event.pk).count()
    desk.post(change(event), sent)
    event.refresh_from_db()
    assert event.summary_en == "One.\n\nTwo."
    assert Event.history.filter(pk=event.pk).count() == before


@pytest.mark.parametrize(
    ("typed", "stored"), [("19 Juni 2024", "2024-06-19"), ("May 2024", "2024-05")]
)
def test_imprecise_date_is_parsed(typed, stored, desk):
    event = factories.event(("RUS", "host"), status=Status.DRAFT)
    desk.post(change(event), {**form_of(desk, change(event)), "date": typed})
    assert Event.objects.get(pk=event.pk).date == stored


def test_ambiguous_date_is_refused_with_examples(desk):
    event = factories.event(("RUS", "host"), status=Status.DRAFT)
    answer = desk.post(change(event), {**form_of(desk, change(event)), "date": "03/04/2020"})
    page = answer.content.decode()
    assert "“03/04/2020” can mean “4 March 2020” or “3 April 2020”" in page
    assert Event.objects.get(pk=event.pk).date == "2024-05"


def test_preview_shows_a_draft_to_editors_only(desk, client):
    alliance = factories.alliance("RUS", "IND", status=Status.DRAFT, title_en="Unseen pact")
    address = reverse("admin:allies_alliance_public", args=[alliance.pk])
    page = desk.get(address)
    assert "Unseen pact" in page.content.decode()
    assert "Preview:" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert "View on site" not in desk.get(change(alliance)).content.decode()
    assert client.get(address).status_code == 302
    for record in (
        factories.source(status="draft"),
        factories.event(status="draft"),
        factories.ally_list("RUS", "CHN", status="draft"),
    ):
        name = f"admin:allies_{record._meta.model_name}_public"
        assert desk.get(reverse(name, args=[record.pk])).status_code == 200


def test_history_compares_and_reverts(desk, admin_user):
    alliance = factories.alliance("RUS", "IND", signed="2001", title_en="First")
    alliance.title_en, alliance.signed = "Second", "2002"
    alliance.save()
    newest, oldest = (v.history_date.isoformat() for v in alliance.history.all())
    address = reverse("admin:allies_alliance_history", args=[alliance.pk])
    page = desk.get(address, {"from": oldest, "to": newest}).content.decode()
    assert "<td>First</td><td>Second</td>" in page
    assert "<td>2001</td><td>2002</td>" in page
    complete = alliance.citations.get().history.get().history_date.isoformat()
    desk.post(reverse("admin:allies_alliance_revert", args=[alliance.pk]), {"to": complete})
    alliance.refresh_from_db()
    assert (alliance.title_en, alliance.signed, alliance.status) == ("First", "2001", "published")
    assert alliance.signed_earliest.year == 2001
    assert alliance.history.first().history_user == admin_user


def test_bulk_publish_reports_refusals_with_reasons(desk):
    good, bad = (
        factories.event(("RUS", "host"), status="draft"),
        factories.event(status="draft", cited=False),
    )
    answer = desk.post(
        reverse("admin:allies_event_changelist"),
        {"action": "publish_selected", "_selected_action": [good.pk, bad.pk]},
        follow=True,
    )
    page = answer.content.decode()
    assert "Published." in page
    assert f"“{bad}”" in page
    assert "published source that supports" in page
    assert [Event.objects.get(pk=e.pk).status for e in (good, bad)] == ["published", "draft"]


def test_country_slug_renamed_in_the_form_redirects_readers(desk, client):
    russia = Country.objects.get(alpha3="RUS")
    desk.post(change(russia), {**form_of(desk, change(russia)), "slug": "rossiya"})
    assert client.get("/en/countries/russia/").url == "/en/countries/rossiya/"


def test_circular_derivation_of_a_source_is_refused(desk):
    source = Source.objects.get(key="dw-2024-en")
    derived = Source.objects.get(key="bisnisupdate-2024")
    data = form_of(desk, change(source))
    answer = desk.post(change(source), {**data, "derived_from": derived.pk})
    assert "circle" in answer.content.decode()
    assert Alliance.objects.published().exists()
