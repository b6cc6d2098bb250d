"""Health of links: when a link is dead, and that this only changes which link readers see first."""

import datetime as dt

import pytest
from django.core.cache import cache
from django.utils import timezone
from django.utils.translation import override

from allies.actions.revert import revert_record
from allies.actions.undo import new_undo_changeset
from allies.imports.runner import run_undo
from allies.link_checking.link_health import CheckResult, sync_health_rows
from allies.models import (
    MAX_KEPT_CHECKS,
    Changeset,
    LinkCheck,
    LinkField,
    LinkHealth,
    LinkResult,
    LinkStatus,
    Source,
    Status,
)
from tests import factories
from tests.imports.files import load, write

pytestmark = pytest.mark.usefixtures("demo_data")

GONE = "gone"
TURNED_AWAY = CheckResult(LinkResult.ERROR, 403)
BROKEN = CheckResult(LinkResult.ERROR, 503)
WEEK = dt.timedelta(days=7)


@pytest.fixture
def source(demo_data):
    return factories.source(url="https://news.example/1", archive_url="https://archive.example/1")


def test_good_link_is_ok_and_due_in_about_a_week(source, seen):
    now = timezone.now()
    link = seen(source, "ok", start=now)
    assert (link.health, link.misses, link.failing_since) == (LinkStatus.OK, 0, None)
    assert link.last_checked == now
    assert WEEK * 0.9 <= link.next_check - now <= WEEK


def test_next_checks_are_spread_over_time(seen):
    now = timezone.now()
    sources = [factories.source(url=f"https://news.example/{n}") for n in range(20)]
    due = {seen(source, "ok", start=now).next_check for source in sources}
    assert len(due) == 20


@pytest.mark.parametrize("miss", [GONE, "unreachable", BROKEN])
def test_link_is_dead_after_three_failures_over_two_days(source, seen, miss):
    start = timezone.now()
    assert seen(source, miss, start=start).health == LinkStatus.FAILING
    link = seen(source, miss, start=start + dt.timedelta(days=1))
    assert link.health == LinkStatus.FAILING
    assert link.next_check - link.last_checked <= dt.timedelta(days=1)
    link = seen(source, miss, start=start + dt.timedelta(days=2))
    assert (link.health, link.failing_since) == (LinkStatus.DEAD, start)


def test_failures_within_one_day_do_not_make_a_link_dead(source, seen):
    assert seen(source, *[GONE] * 10, every=0.1).health == LinkStatus.FAILING


def test_two_failures_in_a_month_do_not_make_a_link_dead(source, seen):
    assert seen(source, GONE, GONE, every=30).health == LinkStatus.FAILING


def test_good_check_resets_the_count_of_failures(source, seen):
    assert seen(source, GONE, GONE, "moved", GONE, GONE).health == LinkStatus.FAILING


def test_server_that_refuses_us_is_never_dead(source, seen):
    assert seen(source, *[TURNED_AWAY] * 10).health == LinkStatus.FAILING
    later = timezone.now() + dt.timedelta(days=30)
    assert seen(source, GONE, GONE, GONE, every=0.1, start=later).health == LinkStatus.FAILING


@pytest.mark.parametrize("result", ["refused", TURNED_AWAY])
def test_refused_check_resets_the_count_of_failures(source, seen, result):
    assert seen(source, GONE, GONE, result, GONE, GONE).health == LinkStatus.FAILING


def test_skipped_check_does_not_change_the_health(source, seen):
    assert seen(source, "skipped").health == ""
    assert seen(source, GONE, GONE, "skipped", GONE).health == LinkStatus.DEAD
    assert seen(source, "skipped").health == LinkStatus.DEAD


def test_dead_link_that_works_again_is_ok(source, seen):
    assert seen(source, GONE, GONE, GONE, "ok").health == LinkStatus.OK


def test_dead_link_stays_dead_after_another_failure(source, seen):
    assert seen(source, GONE, GONE, GONE, GONE, every=3).health == LinkStatus.DEAD


def test_only_the_last_checks_are_kept(source, seen):
    other = factories.source(url="https://news.example/2")
    seen(other, "ok")
    seen(source, *["ok"] * 5, *[GONE] * MAX_KEPT_CHECKS)
    assert source.link_checks.count() == MAX_KEPT_CHECKS
    assert set(source.link_checks.values_list("result", flat=True)) == {GONE}
    assert other.link_checks.count() == 1


def test_latest_and_dead_checks(source, seen):
    other = factories.source(url="https://news.example/2")
    seen(other, GONE, "ok")
    seen(source, GONE, GONE, GONE)
    latest = LinkCheck.objects.latest_per_source()
    assert {check.source_id: check.result for check in latest} == {source.pk: GONE, other.pk: "ok"}
    assert [check.source_id for check in LinkCheck.objects.dead()] == [source.pk]
    assert [link.source_id for link in LinkHealth.objects.dead()] == [source.pk]


# Results do not change the records.


def test_dead_link_does_not_change_records_or_versions(source, seen):
    treaty = factories.alliance("RUS", "CHN", cited=False)
    factories.cite(treaty, source)
    before = Source.objects.values().get(pk=source.pk)
    versions = source.history.count(), treaty.history.count()
    assert seen(source, GONE, GONE, GONE).health == LinkStatus.DEAD
    assert Source.objects.values().get(pk=source.pk) == before
    assert (source.history.count(), treaty.history.count()) == versions
    treaty.refresh_from_db()
    assert treaty.status == Status.PUBLISHED
    assert treaty in type(treaty).objects.published()


def test_health_is_reset_if_the_address_of_a_source_changes(source, seen):
    seen(source, GONE, GONE, GONE)
    assert Source.objects.get(pk=source.pk).is_link_dead
    source.url = "https://news.example/new"
    source.save()
    assert not Source.objects.get(pk=source.pk).is_link_dead
    assert not LinkHealth.objects.dead()
    assert not LinkCheck.objects.dead()
    now = timezone.now()
    sync_health_rows(now)
    link = LinkHealth.objects.get(pk=source.pk)
    assert (link.address, link.health, link.misses) == (source.url, "", 0)
    assert (link.failing_since, link.last_checked, link.next_check) == (None, None, now)


def test_source_without_an_address_has_no_health(source, seen):
    seen(source, GONE)
    source.url = ""
    source.save()
    sync_health_rows(timezone.now())
    assert not LinkHealth.objects.filter(pk=source.pk)


def test_revert_keeps_the_current_health(source, seen, reviewer):
    version = source.history.latest()
    source.title = "Another"
    source.save()
    link = seen(source, GONE, GONE, GONE)
    revert_record(record=source, moment=version.history_date, user=reviewer)
    assert LinkHealth.objects.get(pk=source.pk).health == link.health == LinkStatus.DEAD


def test_deleting_a_source_deletes_its_checks(source, seen):
    seen(source, GONE)
    source.status = Status.DRAFT
    source.save()
    source.delete()
    assert not LinkCheck.objects.orphans()
    assert not LinkHealth.objects.orphans()


def test_checks_of_an_undone_import_are_deleted_by_the_next_run(tmp_path, seen):
    row = {"key": "imported", "publisher": "A", "title": "B", "url": "https://news.example/9"}
    load("sources", write(tmp_path / "sources.csv", [row]))
    source = Source.objects.get(key="imported")
    seen(source, GONE)
    run_undo(new_undo_changeset(Changeset.objects.applied().latest("pk"), user=None), user=None)
    assert not Source.objects.filter(pk=source.pk)
    assert LinkCheck.objects.orphans() and LinkHealth.objects.orphans()
    sync_health_rows(timezone.now())
    assert not LinkCheck.objects.filter(source_id=source.pk)
    assert not LinkHealth.objects.filter(pk=source.pk)


def test_check_of_an_archived_copy_does_not_change_the_health(source, seen):
    from allies.link_checking.link_health import CheckResult, save_result

    seen(source, "ok")
    for _time in range(3):
        save_result(
            source_id=source.pk,
            what=LinkField.ARCHIVE,
            address=source.archive_url,
            result=CheckResult(LinkResult.GONE, 404),
            at=timezone.now(),
        )
    assert LinkHealth.objects.get(pk=source.pk).health == LinkStatus.OK


# Pages for readers.


def page(visitor, record):
    cache.clear()
    with override("en"):
        whole = visitor.get(record.get_absolute_url()).content.decode()
    return whole.partition("<main")[2]  # without the metadata for programs


def test_page_of_a_dead_source_shows_the_archived_copy_first(source, seen, client):
    assert "dead" not in page(client, source)
    seen(source, GONE, GONE, GONE)
    shown = page(client, source)
    assert "The original is no longer online" in shown
    assert shown.index(source.archive_url) < shown.index(source.url)


def test_page_of_a_dead_source_without_a_copy_mentions_none(source, seen, client):
    source.archive_url = ""
    source.save()
    seen(source, GONE, GONE, GONE)
    assert "dead" not in page(client, source)


def test_citation_of_a_dead_source_links_to_the_archived_copy(source, seen, client):
    treaty = factories.alliance("RUS", "CHN")
    factories.cite(treaty, source)
    assert source.archive_url not in page(client, treaty)
    seen(source, GONE, GONE)
    assert source.archive_url not in page(client, treaty)
    seen(source, GONE, start=timezone.now() + dt.timedelta(days=2))
    assert page(client, treaty).count(source.archive_url) == 1


@pytest.mark.usefixtures("no_page_cache")
def test_dead_sources_need_no_more_queries(source, seen, client, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    treaty = factories.alliance("RUS", "CHN")
    sources = [
        source,
        *(
            factories.source(
                url=f"https://news.example/{n}", archive_url=f"https://archive.example/{n}"
            )
            for n in range(2, 6)
        ),
    ]
    for cited in sources:
        factories.cite(treaty, cited)
    page(client, treaty)
    with CaptureQueriesContext(connection) as before:
        page(client, treaty)
    for cited in sources:
        seen(cited, GONE, GONE, GONE)
    with django_assert_num_queries(len(before)):
        shown = page(client, treaty)
    assert shown.count("archived copy") == 5
