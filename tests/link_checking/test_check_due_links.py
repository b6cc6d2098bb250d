"""Runs: due links are checked once, errors do not stop a run, and archived copies are saved."""

import datetime as dt
import json

import pytest
from django.core.checks import run_checks as system_checks
from django.core.management import CommandError, call_command
from django.utils import timezone

from allies.link_checking import link_health
from allies.link_checking.archive import ArchiveUnavailable, InternetArchive, get_archive_client
from allies.link_checking.check_due_links import CLAIM_DURATION, Options, run_checks
from allies.link_checking.link_health import sync_health_rows
from allies.link_checking.tasks import check_links
from allies.models import LinkCheck, LinkField, LinkHealth, Source
from tests import factories
from tests.live_site import wait_for

pytestmark = pytest.mark.usefixtures("empty_database")


def words(outcomes):
    return [(outcome.key, outcome.what, outcome.word) for outcome in outcomes]


def test_due_links_are_checked_once_and_then_not_due(web, run):
    web.answer("/a")
    here, gone = factories.source(url=web.url("/a")), factories.source(url=web.url("/b"))
    factories.source()
    assert sorted(words(run())) == [(here.key, "url", "ok"), (gone.key, "url", "gone")]
    check = gone.link_checks.get()
    assert (check.address, check.result, check.http_status) == (web.url("/b"), "gone", 404)
    assert run() == []
    assert len(run(everything=True)) == 2
    assert gone.link_checks.count() == 2


def test_links_become_due_again(web, run):
    web.answer("/a")
    source = factories.source(url=web.url("/a"))
    run()
    LinkHealth.objects.update(next_check=timezone.now())
    assert words(run()) == [(source.key, "url", "ok")]


def test_limit_is_obeyed_and_the_longest_due_links_come_first(web, run):
    now = timezone.now()
    sources = [factories.source(url=web.url(f"/{number}")) for number in range(5)]
    sync_health_rows(now)
    for position, source in enumerate(reversed(sources)):
        due = now - dt.timedelta(days=10 - position)
        LinkHealth.objects.filter(pk=source.pk).update(next_check=due)
    assert [outcome.key for outcome in run(limit=2)] == [sources[4].key, sources[3].key]
    assert run(limit=0) == []
    assert len(run()) == 3


def test_more_than_one_batch_of_links_is_checked(web, run, monkeypatch):
    monkeypatch.setattr("allies.link_checking.check_due_links.BATCH_SIZE", 3)
    monkeypatch.setattr("allies.link_checking.link_health._BATCH", 3)
    for number in range(10):
        factories.source(url=web.url(f"/{number}"))
    assert len(run()) == 10
    assert len(run(everything=True)) == 10


@pytest.mark.parametrize("everything", [False, True])
def test_check_that_raises_does_not_stop_others(web, run, monkeypatch, caplog, everything):
    sources = [factories.source(url=web.url(f"/{number}")) for number in range(3)]
    kept = link_health.save_result

    def breaking(*, source_id, **given):
        if source_id == sources[1].pk:
            raise RuntimeError("broken")
        kept(source_id=source_id, **given)

    monkeypatch.setattr("allies.link_checking.check_due_links.save_result", breaking)
    assert sorted(o.word for o in run(everything=everything)) == ["broken", "gone", "gone"]
    assert "failed" in caplog.text
    link = LinkHealth.objects.get(pk=sources[1].pk)
    assert link.claimed_until is None
    assert link.next_check > timezone.now()


def test_source_deleted_during_a_run_does_not_stop_others(web, limits):
    sources = [factories.source(url=web.url(f"/{number}")) for number in range(3)]
    outcomes = run_checks(Options(limits=limits, host_delay=0))
    assert next(outcomes).key == sources[0].key
    Source.objects.filter(pk=sources[1].pk)._raw_delete("default")
    assert words(outcomes) == [(sources[2].key, "url", "gone")]


def test_source_deleted_during_its_check_does_not_stop_others(web, run, limits):
    first, second = factories.source(url=web.url("/1")), factories.source(url=web.url("/2"))

    class Deleting:
        def lookup(self, url, near):
            Source.objects.filter(pk=first.pk)._raw_delete("default")
            return COPY

    assert (second.key, "url", "gone") in words(run(archive=Deleting()))
    sync_health_rows(timezone.now())
    assert not LinkCheck.objects.filter(source_id=first.pk)


def test_archived_copy_is_checked_if_the_original_fails(web, run):
    web.answer("/copy")
    source = factories.source(url=web.url("/gone"), archive_url=web.url("/copy"))
    assert words(run()) == [(source.key, "url", "gone"), (source.key, "archive_url", "ok")]
    assert source.link_checks.get(what=LinkField.ARCHIVE).address == source.archive_url
    web.answer("/gone")
    assert words(run(everything=True)) == [(source.key, "url", "ok")]


# Two runs at once.


def test_link_is_claimed_once(web):
    source = factories.source(url=web.url("/a"))
    now = timezone.now()
    sync_health_rows(now)
    link, again = LinkHealth.objects.get(), LinkHealth.objects.get()
    assert LinkHealth.objects.claim(link, now=now, lease=CLAIM_DURATION)
    assert not LinkHealth.objects.claim(again, now=now, lease=CLAIM_DURATION)
    # The claim of a run that was killed expires.
    assert LinkHealth.objects.claim(again, now=now + CLAIM_DURATION, lease=CLAIM_DURATION)
    link_health.postpone(source.pk, now)
    assert not LinkHealth.objects.claim(again, now=now, lease=CLAIM_DURATION)


def test_link_whose_address_has_changed_cannot_be_claimed(web):
    source = factories.source(url=web.url("/a"))
    now = timezone.now()
    sync_health_rows(now)
    link = LinkHealth.objects.get()
    Source.objects.filter(pk=source.pk).update(url=web.url("/b"))
    assert not LinkHealth.objects.claim(link, now=now, lease=CLAIM_DURATION)


def test_two_interleaved_runs_share_the_links(web, limits):
    for number in range(6):
        factories.source(url=web.url(f"/{number}"))
    options = Options(limits=limits, host_delay=0)
    runs = [run_checks(options), run_checks(options)]
    outcomes = []
    while runs:
        for one in list(runs):
            outcome = next(one, None)
            outcomes.append(outcome) if outcome else runs.remove(one)
    assert len({outcome.key for outcome in outcomes}) == len(outcomes) == 6
    assert len(web.pages_asked()) == 12  # HEAD and GET of each


@pytest.mark.slow
def test_two_processes_check_each_link_once(live_site_factory):
    """The addresses are local, so they are refused without a request, but claimed like others."""
    site = live_site_factory.empty()
    try:
        site.shell(
            "from allies.models import Source\n"
            "for n in range(120):\n"
            "    Source.objects.create(key=f's{n}', publisher='P', title='T',"
            " url=f'http://127.0.0.1/{n}')"
        )
        workers = [site.start("manage.py", "check_links", "--host-delay", "0") for _n in range(2)]
        wait_for(lambda: all(worker.poll() is not None for worker in workers))
        assert [worker.returncode for worker in workers] == [0, 0]
        seen = site.shell(
            "from allies.models import LinkCheck, LinkHealth\n"
            "print(LinkCheck.objects.count(),"
            " LinkCheck.objects.values('source').distinct().count(),"
            " LinkHealth.objects.filter(claimed_until=None, health='failing').count())"
        )
        assert seen == "120 120 120"
    finally:
        site.stop()


# Archived copies.

COPY = "https://web.archive.org/web/20240501000000/https://news.example/"


def snapshot(**given):
    closest = {"available": True, "url": COPY, "timestamp": "20240501000000", "status": "200"}
    return json.dumps({"archived_snapshots": {"closest": {**closest, **given}}}).encode()


@pytest.fixture
def archive(web, limits):
    web.answer("/robots.txt", 404)
    return InternetArchive(web.url("/wayback/available"), limits)


def test_archive_lookup_asks_for_a_copy_near_the_date(web, archive):
    web.answer("/wayback/available", body=snapshot())
    assert archive.lookup("https://news.example/?a=b&c=d", dt.date(2024, 5, 2)) == COPY
    asked = "url=https%3A%2F%2Fnews.example%2F%3Fa%3Db%26c%3Dd&timestamp=20240502"
    assert web.asked == [f"GET /wayback/available?{asked}"]
    assert archive.lookup("https://news.example/", None) == COPY


def test_archive_lookup_returns_https_if_the_api_returns_http(web, archive):
    web.answer("/wayback/available", body=snapshot(url=COPY.replace("https:", "http:", 1)))
    assert archive.lookup("https://news.example/", None) == COPY


@pytest.mark.parametrize(
    "body",
    [
        b'{"archived_snapshots": {}}',
        b'{"archived_snapshots": []}',
        b"[]",
        snapshot(available=False),
        snapshot(status="404"),
        snapshot(url=None),
    ],
)
def test_archive_lookup_without_a_copy_is_empty(web, archive, body):
    web.answer("/wayback/available", body=body)
    assert archive.lookup("https://news.example/", None) == ""


def test_archive_lookup_reports_failures(web, archive, limits):
    web.answer("/wayback/available", 503)
    with pytest.raises(ArchiveUnavailable, match="503"):
        archive.lookup("https://news.example/", None)
    web.answer("/wayback/available", body=b"<html>")
    with pytest.raises(ArchiveUnavailable):
        archive.lookup("https://news.example/", None)
    with pytest.raises(ArchiveUnavailable):
        InternetArchive("http://127.0.0.1:1/", limits).lookup("https://news.example/", None)


def test_found_copy_is_saved_as_an_edit(web, run, archive):
    web.answer("/a")
    web.answer("/wayback/available", body=snapshot())
    source = factories.source(url=web.url("/a"), date_published="2024-05")
    outcomes = run(archive=archive)
    assert words(outcomes)[1] == (source.key, "archive_url", "archived")
    source.refresh_from_db()
    assert source.archive_url == COPY
    assert source.history.count() == 2
    assert source.history.latest().history_change_reason == "Archived copy found"
    assert "timestamp=20240501" in web.asked[-1]


def test_copy_entered_by_an_editor_is_not_looked_up_or_overwritten(web, run, archive):
    web.answer("/a")
    web.answer("/wayback/available", body=snapshot())
    source = factories.source(url=web.url("/a"), archive_url="https://archive.example/mine")
    run(archive=archive)
    source.refresh_from_db()
    assert source.archive_url == "https://archive.example/mine"
    assert source.history.count() == 1
    assert not [asked for asked in web.asked if "wayback" in asked]


def test_copy_entered_by_an_editor_during_the_lookup_is_kept(web, run):
    web.answer("/a")
    source = factories.source(url=web.url("/a"))

    class Slow:
        def lookup(self, url, near):
            Source.objects.filter(pk=source.pk).update(archive_url="https://archive.example/mine")
            return COPY

    assert words(run(archive=Slow()))[1][2] == "none"
    source.refresh_from_db()
    assert source.archive_url == "https://archive.example/mine"
    assert source.history.count() == 1


@pytest.mark.parametrize(
    "copy", ["javascript:alert(1)", "ftp://a.example/", "copy", f"https://a.example/{'a' * 1000}"]
)
def test_copy_without_a_valid_url_is_not_saved(web, run, copy):
    web.answer("/a")
    source = factories.source(url=web.url("/a"))

    class Lying:
        def lookup(self, url, near):
            return copy

    assert words(run(archive=Lying()))[1][2] == "none"
    source.refresh_from_db()
    assert source.archive_url == ""


def test_archive_that_raises_an_exception_does_not_stop_the_run(web, run, caplog):
    sources = [factories.source(url=web.url(f"/{number}")) for number in range(2)]

    class Broken:
        def lookup(self, url, near):
            raise RuntimeError

    outcomes = run(archive=Broken())
    assert sorted(o.word for o in outcomes) == ["broken", "broken", "gone", "gone"]
    assert LinkCheck.objects.count() == len(sources)


def test_archive_client_is_set_by_the_setting(settings):
    assert isinstance(get_archive_client(), InternetArchive)
    settings.ARCHIVE_CLIENT = ""
    assert get_archive_client() is None
    assert "allies.E001" not in {found.id for found in system_checks()}
    settings.ARCHIVE_CLIENT = "allies.link_checking.archive.Nobody"
    assert "allies.E001" in {found.id for found in system_checks()}


# Command and job.


def test_command_prints_one_line_per_link_and_a_summary(web, limits, archive, capsys):
    web.answer("/a")
    web.redirect("/old", "/a", 301)
    web.answer("/wayback/available", body=b"{}")
    sources = [factories.source(url=web.url(path)) for path in ("/a", "/old", "/gone")]
    told = {"host_delay": 0, "limits": limits}
    call_command("check_links", archive=True, archive_client=archive, **told)
    lines = capsys.readouterr().out.splitlines()
    assert set(lines) >= {
        f"{sources[0].key}: works: {web.url('/a')}",
        f"{sources[0].key}: no archived copy: {web.url('/a')} – No archived copy was found.",
        f"{sources[1].key}: moved permanently: {web.url('/old')} – {web.url('/a')}",
        f"{sources[2].key}: gone: {web.url('/gone')} – The server responds with HTTP 404.",
    }
    assert len(lines) == 7
    assert lines[-1] == "3 links checked. gone: 1; moved permanently: 1; works: 1"
    call_command("check_links", **told)
    assert capsys.readouterr().out == "0 links checked.\n"
    call_command("check_links", "--all", "--limit", "1", **told)
    assert "1 link checked." in capsys.readouterr().out


def test_command_without_an_archive_client_fails(settings):
    settings.ARCHIVE_CLIENT = ""
    with pytest.raises(CommandError, match="ALLIES_ARCHIVE_CLIENT"):
        call_command("check_links", archive=True)


def test_job_checks_a_batch_on_the_public_internet_only(web, eager_tasks):
    source = factories.source(url=web.url("/a"))
    with eager_tasks():
        check_links.enqueue()
    assert source.link_checks.get().result == "refused"
    assert web.asked == []


def test_command_queues_a_batch_for_the_worker(web, eager_tasks, capsys):
    source = factories.source(url=web.url("/a"))
    with eager_tasks():
        call_command("check_links", "--queue")
    assert source.link_checks.count() == 1
    assert capsys.readouterr().out == ""
