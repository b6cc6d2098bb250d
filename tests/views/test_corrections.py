"""Corrections by readers: the anonymous form, its protection against spam, the public log."""

import datetime as dt
import re
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.translation import override

from allies.actions import correction_intake
from allies.actions.apply_changes import edit_transaction, new_changeset
from allies.actions.correction_intake import new_form_token
from allies.models import Changeset, Correction, Country, Sending, Source, Status, UsedToken
from allies.models.changeset import ChangesetState
from tests import factories

pytestmark = pytest.mark.usefixtures("demo_data")

ATOM = "{http://www.w3.org/2005/Atom}"


class Nobody:
    pk = None


def form_page(record, language="en"):
    with override(language):
        return f"{record.get_absolute_url()}correct/"


def typed(record, ago=10, **given):
    """Return the data that a browser sends ``ago`` seconds after it opened the form."""
    token = new_form_token(record, now=timezone.now() - dt.timedelta(seconds=ago))
    return {"text": "The date is wrong.", "evidence": "", "contact": "", "token": token} | given


def corrected(record, answer="Put right.", outcome="accepted", **fields):
    """Change a record because of a correction, and accept the correction."""
    correction = Correction.objects.create(
        noun=record._meta.model_name, record_id=record.pk, text="Reader’s own words"
    )
    changeset = new_changeset(record=record, user=Nobody())
    changeset.correction = correction
    with edit_transaction(changeset, user=None):
        for name, value in fields.items():
            setattr(record, name, value)
        record.save()
    correction.compare_and_set(outcome=outcome, answer=answer, decided_at=timezone.now())
    return correction


@pytest.fixture
def event():
    return factories.event(("RUS", "host"), ("IND", "visitor"), title_en="Visit", place_en="Moscow")


def records():
    return [
        factories.alliance("RUS", "IND"),
        factories.event(("RUS", "host")),
        factories.ally_list("RUS", "CHN"),
        Source.objects.published().first(),
        factories.country("RUS"),
    ]


# The form.


@pytest.mark.parametrize("language", ["en", "id"])
def test_every_record_type_has_a_form_that_accepts_reports(language, client, settings):
    for record in records():
        address = form_page(record, language)
        with override(language):
            page = client.get(record.get_absolute_url())
        assert f'href="{address}"' in page.content.decode()
        form = client.get(address)
        assert form.status_code == 200
        assert "csrf" not in form.content.decode()
        sent = client.post(address, typed(record, contact="reader@example.org"), follow=False)
        assert (sent.status_code, sent.url) == (302, f"{address}sent/")
        thanks = client.get(sent.url)
        assert thanks.status_code == 200
        for response in (page, form, sent, thanks):
            assert not response.cookies
            assert "Cookie" not in response.get("Vary", "")
        kept = Correction.objects.latest("pk")
        assert (kept.noun, kept.record_id) == (record._meta.model_name, record.pk)
        assert (kept.language, kept.outcome, kept.text) == (
            language,
            "waiting",
            "The date is wrong.",
        )
        Sending.objects.all().delete()


def test_form_needs_no_csrf_token(event):
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(form_page(event), typed(event)).status_code == 302


@pytest.mark.parametrize("status", [Status.DRAFT, Status.IN_REVIEW, Status.WITHDRAWN])
def test_form_of_unpublished_record_gives_404(status, client):
    event = factories.event(("RUS", "host"), status=status)
    assert client.get(form_page(event)).status_code == 404
    assert client.post(form_page(event), typed(event)).status_code == 404
    assert client.get(f"{form_page(event)}sent/").status_code == 404
    assert not Correction.objects.exists()


def test_form_at_old_slug_redirects_but_accepts_reports(event, client):
    old = form_page(event)
    event.slug = "another"
    event.save()
    assert client.get(old).url == form_page(event)
    assert client.post(old, typed(event)).status_code == 302
    assert Correction.objects.get().record == event


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": ""},
        {"text": "x" * 4001},
        {"text": "a\0b"},
        {"evidence": "x" * 1001},
        {"contact": "no address"},
    ],
)
def test_invalid_report_is_shown_again_with_errors(wrong, event, client):
    answer = client.post(form_page(event), typed(event, **{"evidence": "Gazette, p. 4"} | wrong))
    assert answer.status_code == 400
    page = answer.content.decode()
    assert 'class="error"' in page
    assert "evidence" in wrong or "Gazette, p. 4" in page
    assert not Correction.objects.exists()
    assert not answer.cookies


def test_newline_counts_as_one_character(event, client):
    assert client.post(form_page(event), typed(event, text="a\r\n" * 2000)).status_code == 302


def test_honeypot_stops_programs_and_keeps_the_text(event, client):
    page = client.get(form_page(event)).content.decode()
    trap = re.search(r'<div class="more-about" aria-hidden="true">.*?</div>', page, re.S)[0]
    assert 'tabindex="-1"' in trap
    assert 'autocomplete="off"' in trap
    sent = typed(event, website="https://spam.example")
    answer = client.post(form_page(event), sent)
    assert answer.status_code == 400
    assert "The date is wrong." in answer.content.decode()
    assert "spam.example" not in answer.content.decode()
    assert not Correction.objects.exists()
    assert client.post(form_page(event), sent | {"website": ""}).status_code == 302


@pytest.mark.parametrize(
    ("ago", "taken"), [(0, 400), (2, 400), (3, 302), (4, 302), (86_300, 302), (86_401, 400)]
)
def test_form_is_valid_from_three_seconds_to_one_day(ago, taken, event, client, monkeypatch):
    # The form's age must not depend on the speed of the machine.
    stopped = timezone.now().replace(microsecond=0)
    monkeypatch.setattr(timezone, "now", lambda: stopped)
    assert client.post(form_page(event), typed(event, ago=ago)).status_code == taken
    assert Correction.objects.count() == (taken == 302)


@pytest.mark.parametrize("token", ["", "forged", "a:b:c", "old", "future", "another"])
def test_form_with_invalid_token_is_shown_again_with_text(token, event, client):
    other = factories.event(("RUS", "host"))
    token = {
        "old": typed(event, ago=86_500)["token"],
        "future": typed(event, ago=-60)["token"],
        "another": typed(other)["token"],
    }.get(token, token)
    answer = client.post(form_page(event), typed(event, token=token))
    assert answer.status_code == 400
    assert "The date is wrong." in answer.content.decode()
    assert not Correction.objects.exists()


def test_form_can_be_sent_once(event, client):
    sent = typed(event)
    for _click in range(2):
        assert client.post(form_page(event), sent)["Location"] == f"{form_page(event)}sent/"
    answer = client.post(form_page(event), {**sent, "text": "Something else is wrong."})
    assert answer.status_code == 400
    assert "already have this report" in answer.content.decode()
    assert sent["token"] not in answer.content.decode()
    assert Correction.objects.count() == 1


def test_too_large_body_gives_413(event, client):
    assert client.post(form_page(event), typed(event, text="x" * 200_000)).status_code == 413


def test_client_limit_is_five_per_hour_and_keeps_the_text(event, client):
    for _n in range(5):
        assert client.post(form_page(event), typed(event)).status_code == 302
    answer = client.post(form_page(event), typed(event, text="The sixth <b>text</b>"))
    assert answer.status_code == 429
    assert "in 60 minutes" in answer.content.decode()
    assert 3500 < int(answer["Retry-After"]) <= 3600
    assert "The sixth &lt;b&gt;text&lt;/b&gt;" in answer.content.decode()
    assert Correction.objects.count() == 5
    other = Client(REMOTE_ADDR="203.0.113.9")
    assert other.post(form_page(event), typed(event)).status_code == 302
    # The token was not used up when the limit was exceeded.
    Sending.objects.update(sent_at=timezone.now() - dt.timedelta(minutes=61))
    token = re.search(r'name="token" value="([^"]+)"', answer.content.decode())[1]
    assert client.post(form_page(event), typed(event, token=token)).status_code == 302


def test_client_limit_is_twenty_per_day_and_ignores_midnight(event):
    def send(now):
        correction_intake.submit_correction(
            record=event,
            text="x",
            evidence="",
            contact="",
            language="en",
            token=new_form_token(event, now=now - dt.timedelta(minutes=1)),
            client="198.51.100.7",
            now=now,
        )

    night = dt.datetime(2026, 3, 1, 23, 58, tzinfo=dt.UTC)
    for n in range(5):
        send(night + dt.timedelta(seconds=n))
    with pytest.raises(correction_intake.SubmissionLimitExceeded):
        send(night + dt.timedelta(minutes=5))
    for n in range(15):
        send(night + dt.timedelta(hours=2, minutes=20 * n))
    with pytest.raises(correction_intake.SubmissionLimitExceeded) as limit:
        send(night + dt.timedelta(hours=10))
    assert limit.value.retry_after == dt.timedelta(hours=14)
    send(night + dt.timedelta(hours=24, seconds=1))


def test_total_limit_is_two_hundred_per_hour(event, client):
    now = timezone.now()
    Sending.objects.bulk_create(Sending(client=str(n), sent_at=now) for n in range(200))
    assert client.post(form_page(event), typed(event)).status_code == 429


def test_ip_address_is_not_stored(event):
    client = Client(REMOTE_ADDR="203.0.113.77")
    client.post(form_page(event), typed(event))
    kept = str(list(Sending.objects.values())) + str(list(Correction.objects.values()))
    assert "203.0.113.77" not in kept
    assert len(Sending.objects.get().client) == 64


@pytest.mark.parametrize(("behind", "names"), [(False, 1), (True, 2)])
def test_client_behind_proxy_is_last_forwarded_address(behind, names, event, settings):
    settings.BEHIND_PROXY = behind
    for forwarded in ("1.1.1.1, 203.0.113.1", "2.2.2.2, 203.0.113.1", "203.0.113.2"):
        client = Client(headers={"X-Forwarded-For": forwarded})
        client.post(form_page(event), typed(event))
    assert Sending.objects.values("client").distinct().count() == names


def test_addresses_of_one_ipv6_network_count_as_one(event):
    for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "not an address"):
        Client(REMOTE_ADDR=address).post(form_page(event), typed(event))
    assert Sending.objects.values("client").distinct().count() == 3


def test_old_sendings_and_tokens_are_deleted(event, client):
    long_ago = timezone.now() - dt.timedelta(days=2)
    Sending.objects.create(client="x", sent_at=long_ago)
    UsedToken.objects.create(digest="x", expires_at=long_ago)
    client.post(form_page(event), typed(event))
    assert not Sending.objects.filter(client="x").exists()
    assert not UsedToken.objects.filter(digest="x").exists()


def test_contacts_are_deleted_after_ninety_days(event):
    now = timezone.now()
    for days in (None, 89, 91):
        decided = now - dt.timedelta(days=days) if days else None
        Correction.objects.create(
            noun="event",
            record_id=event.pk,
            text="x",
            contact="reader@example.org",
            outcome="declined" if days else "waiting",
            decided_at=decided,
        )
    assert Correction.objects.all().purge_contacts(now) == 1
    assert Correction.objects.exclude(contact="").count() == 2


# The log and its feed.


@pytest.mark.parametrize("language", ["en", "id"])
def test_log_and_feed_show_changes_but_not_the_report(language, event, client):
    correction = corrected(event, answer="A <b>slip</b> & more", place_en="Kazan <script>")
    Correction.objects.filter(pk=correction.pk).update(contact="reader@example.org")
    page = client.get(f"/{language}/corrections/")
    feed = client.get(f"/{language}/corrections/feed/")
    for response in (page, feed):
        text = response.content.decode()
        assert "Moscow" in text
        assert "Kazan" in text
        assert "Kazan <script" not in text
        # The head has our own scripts, but the main part must have none.
        assert "<script" not in (text.partition("<main")[2] or text)
        assert "<b>slip" not in text
        assert "Reader’s own words" not in text
        assert "reader@example.org" not in text
        assert not response.cookies
    assert 'type="application/atom+xml"' in page.content.decode()
    assert f'href="/{language}/corrections/"' in client.get(f"/{language}/").content.decode()


def test_feed_has_what_atom_requires(event, client):
    first = corrected(event, answer="With a \x0b letter XML has not", place_en="Kazan")
    corrected(factories.country("RUS"), outcome="partly-accepted", m49="643")
    response = client.get("/en/corrections/feed/")
    assert response["Content-Type"].startswith("application/atom+xml")
    feed = ElementTree.fromstring(response.content)
    assert feed.tag == f"{ATOM}feed"
    for name in ("id", "title", "updated", f"author/{ATOM}name"):
        assert feed.findtext(f"{ATOM}{name}"), name
    entries = feed.findall(f"{ATOM}entry")
    assert len(entries) == 2
    for entry in entries:
        for name in ("id", "title", "updated"):
            assert entry.findtext(f"{ATOM}{name}"), name
        assert dt.datetime.fromisoformat(entry.findtext(f"{ATOM}updated")).tzinfo
        assert entry.findtext(f"{ATOM}id").startswith("urn:uuid:")
    links = [link.get("href") for link in feed.iter(f"{ATOM}link")]
    assert links
    assert all(link.startswith("http://testserver/en/") for link in links)
    assert any(link.get("rel") == "self" for link in feed.findall(f"{ATOM}link"))
    updated = dt.datetime.fromisoformat(entries[1].findtext(f"{ATOM}updated"))
    assert updated == first.decided_at
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    event.slug = "renamed"
    event.save()
    again = ElementTree.fromstring(client.get("/en/corrections/feed/").content)
    assert [e.findtext(f"{ATOM}id") for e in again.findall(f"{ATOM}entry")] == ids


def test_empty_feed_has_updated_date(client):
    feed = ElementTree.fromstring(client.get("/id/corrections/feed/").content)
    assert feed.findtext(f"{ATOM}updated")


@pytest.mark.parametrize("outcome", ["declined", "spam"])
def test_declined_corrections_are_not_listed(outcome, event, client):
    corrected(event, outcome=outcome, place_en="Kazan")
    for address in ("/en/corrections/", "/en/corrections/feed/"):
        assert "Kazan" not in client.get(address).content.decode()


def test_log_and_feed_hide_withdrawn_records(event, client):
    corrected(event, place_en="Kazan")
    event.status = Status.WITHDRAWN
    event.save()
    for address in ("/en/corrections/", "/en/corrections/feed/"):
        page = client.get(address).content.decode()
        for text in ("Kazan", "Put right.", event.slug):
            assert text not in page


def test_log_hides_changes_of_unpublished_content(client):
    draft = factories.event(("RUS", "host"), status=Status.DRAFT, place_en="Secret first place")
    corrected(draft, place_en="Second place")
    draft.status = Status.PUBLISHED
    draft.save()
    listed = factories.ally_list("RUS", "CHN")
    entry = listed.entries.create(
        country=factories.country("IND"), position=9, prose_en="Hidden one"
    )
    factories.cite(entry, factories.source(status=Status.DRAFT, title="Hidden source"))
    correction = Correction.objects.create(
        noun="allylist",
        record_id=listed.pk,
        text="x",
        outcome="accepted",
        decided_at=timezone.now(),
    )
    changeset = new_changeset(record=listed, user=Nobody())
    changeset.correction = correction
    public = listed.entries.first()
    with edit_transaction(changeset, user=None):
        entry.prose_en = "Hidden two"
        entry.save()
        public.prose_en = "Everybody reads this"
        public.save()
        citation = public.citations.first()
        citation.locator = "p. 12"
        citation.save()
    page = client.get("/en/corrections/").content.decode()
    assert "Everybody reads this" in page
    assert "p. 12" in page
    for text in ("Secret first place", "Hidden one", "Hidden two", "Hidden source"):
        assert text not in page


def test_log_hides_undone_changes(event, client):
    correction = corrected(event, place_en="Kazan")
    undo = Changeset(kind="undo", undoes=correction.changesets.get())
    undo.state, undo.applied_at = ChangesetState.APPLIED, timezone.now()
    undo.save()
    page = client.get("/en/corrections/").content.decode()
    assert "Put right." in page
    assert "Kazan" not in page


def test_log_has_fifty_per_page_newest_first(event, client):
    now = timezone.now()
    Correction.objects.bulk_create(
        Correction(
            noun="event",
            record_id=event.pk,
            text="x",
            outcome="accepted",
            answer=f"Answer {n:03}",
            decided_at=now - dt.timedelta(minutes=n),
        )
        for n in range(51)
    )
    answers = re.findall(r"Answer (\d+)", client.get("/en/corrections/").content.decode())
    assert answers == [f"{n:03}" for n in range(50)]
    assert "Answer 050" in client.get("/en/corrections/?page=2").content.decode()
    assert client.get("/en/corrections/?page=3").status_code == 404
    assert client.get("/en/corrections/feed/").content.decode().count("<entry>") == 50


def test_log_shows_corrections_of_countries(client):
    russia = Country.objects.get(alpha3="RUS")
    corrected(russia, existed_from="1991")
    assert "1991" in client.get("/en/corrections/").content.decode()
