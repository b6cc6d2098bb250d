"""Alerts: each counts the right records, and links to a list of exactly these."""

import datetime as dt
import re

import pytest
from django.core import mail
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from allies.editorial.alerts import ALERTS
from allies.models import Alliance, AllyList, Citation, Event, Source, Status
from allies.models.link_check import LinkHealth, LinkStatus
from tests import factories
from tests.admin.test_permissions import change, form_of

pytestmark = pytest.mark.usefixtures("demo_data")


def held(key, model, user=None):
    concern = next(c for c in ALERTS if c.key == key)
    return set(concern.queryset_for(model, user))


def twice(record):
    """Cite another, independent source for a record."""
    factories.cite(record)
    return record


def old(record):
    long_ago = timezone.now() - dt.timedelta(days=4000)
    type(record).objects.filter(pk=record.pk).update(created_at=long_ago)
    return record


def test_one_source_alert_counts_origins():
    one, two = factories.event(("RUS", "host")), twice(factories.event(("RUS", "host")))
    copied = factories.event(("RUS", "host"))
    factories.cite(copied, factories.source(derived_from=copied.citations.get().source))
    found = held("one-source", Event)
    assert {one, copied} <= found
    assert two not in found


def test_data_set_is_enough_as_the_only_source():
    data = factories.source(kind="dataset")
    of_data, copied = (factories.alliance("RUS", "CHN", cited=False) for _n in range(2))
    factories.cite(of_data, data)
    factories.cite(copied, factories.source(kind="dataset", derived_from=data))
    other = factories.alliance("RUS", "CHN")
    assert held("one-source", Alliance) & {of_data, copied, other} == {other}


def test_un_votes_are_in_no_alert_about_their_texts_and_sources(settings):
    settings.STALE_DAYS = {"event": 100}
    vote = factories.event(("RUS", "for"), kind="un-vote", identifier="rc:1")
    old(vote)
    factories.event(kind="un-vote", identifier="rc:2")
    visit = factories.event()
    for alert in ("one-source", "stale", "untranslated", "without-part"):
        assert not [event for event in held(alert, Event) if event.is_roll_call], alert
    assert held("without-part", Event) == {visit}


def test_disputed_alert_for_records_without_a_note():
    bare, said = factories.event(("RUS", "host")), factories.event(("RUS", "host"))
    factories.cite(bare, stance="disputes")
    factories.cite(said, stance="disputes", note_ind="Dibantah.")
    assert held("disputed", Event) == {bare}


def test_stale_alert_uses_the_days_per_record_type(settings):
    settings.STALE_DAYS = {"event": 100}
    stale, fresh, new = (factories.event(("RUS", "host")) for _n in range(3))
    old(stale), old(fresh)
    fresh.citations.update(verified_on=timezone.localdate())
    found = held("stale", Event)
    assert stale in found
    assert not {fresh, new} & found
    assert not held("stale", Alliance)


def test_headline_with_another_number_of_entries():
    right = factories.ally_list("RUS", "CHN", "IND", promised=2)
    few = factories.ally_list("RUS", "CHN", promised=2)
    many = factories.ally_list("RUS", "CHN", "IND", "VNM", promised=2)
    found = held("drift", AllyList)
    assert {few, many} <= found
    assert right not in found


def test_list_whose_entries_have_only_ended_ties():
    ended, lasting, never = (factories.ally_list("NZL", code) for code in ("FJI", "TON", "WSM"))
    factories.alliance("NZL", "FJI", in_force="1990", ended="2000")
    factories.alliance("NZL", "TON", in_force="1990")
    found = held("ties-ended", AllyList)
    assert ended in found
    assert not {lasting, never} & found


def test_missing_translation():
    both = factories.event(("RUS", "host"), title_ind="Kunjungan")
    one = factories.event(("RUS", "host"))
    found = held("untranslated", Event)
    assert one in found
    assert both not in found


def test_dead_links():
    source = factories.source(url="https://example.org/gone")
    LinkHealth.objects.create(
        source=source, address=source.url, health=LinkStatus.DEAD, next_check=timezone.now()
    )
    assert held("dead-links", Source) == {source}


def test_dashboard_shows_each_role_its_own_work(editor, reviewer, data_manager, login_as):
    client = login_as(editor)
    event = factories.event(("RUS", "host"), status=Status.DRAFT)
    client.post(
        reverse("admin:allies_event_add"),
        {"kind": "visit", "certainty": "reported", "title_en": "Mine", "date": "2024"}
        | {
            f"{p}-{n}_FORMS": 0
            for p in ("participations", "citations")
            for n in ("TOTAL", "INITIAL")
        },
    )
    event.status = Status.IN_REVIEW
    event.save()
    public = factories.event(("RUS", "host"))
    client.post(change(public), form_of(client, change(public)) | {"title_en": "Proposed"})
    index = reverse("admin:index")
    page = client.get(index).content.decode()
    assert "Events: my drafts" in page
    assert "Events: waiting for review" not in page
    page = login_as(reviewer).get(index).content.decode()
    for text in ("Events: waiting for review", "Open proposals"):
        assert text in page
    for address in re.findall(r'href="([^"]*(?:attention|state__exact)=[^"]*)"', page):
        listed = login_as(reviewer).get(address.replace("&amp;", "&"))
        assert listed.status_code == 200
        assert listed.context["cl"].result_count > 0, address
    assert "Nothing needs your attention." in login_as(data_manager).get(index).content.decode()


def test_dashboard_query_count_is_constant(admin_user, login_as):
    client = login_as(admin_user)

    def queries():
        client.get(reverse("admin:index"))
        with CaptureQueriesContext(connection) as found:
            client.get(reverse("admin:index"))
        return len(found)

    factories.event(("RUS", "host"), status=Status.IN_REVIEW)
    before = queries()
    for _n in range(10):
        factories.event(("RUS", "host"), status=Status.IN_REVIEW)
        factories.ally_list("RUS", "CHN", promised=3)
        factories.cite(factories.event(("RUS", "host")), stance="disputes")
    assert queries() == before


def test_weekly_summary_is_printed_and_mailed(capsys):
    factories.ally_list("RUS", "CHN", promised=3)
    call_command("send_editorial_digest")
    assert "count differs from the headline" in capsys.readouterr().out
    call_command("send_editorial_digest", mail=["desk@example.org"], language="id")
    (sent,) = mail.outbox
    assert sent.to == ["desk@example.org"]
    assert "judul" in sent.body


def test_published_records_hidden_from_readers_are_listed(login_as, reviewer):
    hidden = factories.event(("RUS", "host"), cited=False, title_en="Nobody sees this")
    alone = factories.event(title_en="Nobody took part")
    page = login_as(reviewer).get(reverse("admin:index")).content.decode()
    for event, key in ((hidden, "unseen"), (alone, "without-part")):
        assert f"attention={key}" in page
        found = login_as(reviewer).get(reverse("admin:allies_event_changelist"), {"attention": key})
        assert str(event) in found.content.decode()


# The check of the evidence.


@pytest.mark.slow
def test_evidence_check_is_silent_if_all_records_have_sources(capsys):
    call_command("check_evidence", pages=True)
    assert "has its sources" in capsys.readouterr().out
    assert not [m for m in run_checks(databases=["default"]) if m.id == "allies.W002"]


def test_evidence_check_names_records_without_a_source(capsys):
    event = factories.event(("RUS", "host"), title_en="Bereft")
    entry = factories.ally_list("RUS", "CHN", "IND").entries.first()
    Citation.objects.filter(event=event)._raw_delete("default")
    Citation.objects.filter(entry=entry)._raw_delete("default")
    with pytest.raises(CommandError):
        call_command("check_evidence")
    said = capsys.readouterr().err
    assert "Bereft" in said
    assert f"entry {entry.pk}" in said
    found = [m.msg for m in run_checks(databases=["default"]) if m.id == "allies.W002"]
    assert any("Bereft" in text for text in found)


@pytest.mark.slow
def test_evidence_check_names_a_page_that_does_not_show_its_source(capsys, settings, tmp_path):
    factories.event(("RUS", "host"), title_en="Unshown")
    broken = tmp_path / "allies"
    broken.mkdir()
    (broken / "_evidence.html").write_text("nothing here")
    engine = settings.TEMPLATES[0]
    settings.TEMPLATES = [{**engine, "DIRS": [tmp_path, *engine["DIRS"]]}]
    with pytest.raises(CommandError):
        call_command("check_evidence", pages=True)
    assert "Unshown" in capsys.readouterr().err
