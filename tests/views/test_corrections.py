"""Corrections by readers: sent by anybody, guarded without a third party, shown when put right."""

import datetime as dt
import re
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.translation import override

from allies.actions import correction_intake
from allies.actions.correction_intake import new_form_token
from allies.actions.editing import edit_transaction, new_changeset
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
    """Return what a browser sends from a form that was opened so many seconds ago."""
    token = new_form_token(record, now=timezone.now() - dt.timedelta(seconds=ago))
    return {"text": "The date is wrong.", "evidence": "", "contact": "", "token": token} | given


def corrected(record, answer="Put right.", outcome="accepted", **fields):
    """Change a record for a reader's correction, and accept it."""
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
def test_every_public_record_leads_to_its_form_and_takes_what_is_sent(language, client, settings):
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


def test_it_works_where_csrf_is_checked(event):
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(form_page(event), typed(event)).status_code == 302


@pytest.mark.parametrize("status", [Status.DRAFT, Status.IN_REVIEW, Status.WITHDRAWN])
def test_what_is_not_public_is_not_corrected(status, client):
    event = factories.event(("RUS", "host"), status=status)
    assert client.get(form_page(event)).status_code == 404
    assert client.post(form_page(event), typed(event)).status_code == 404
    assert client.get(f"{form_page(event)}sent/").status_code == 404
    assert not Correction.objects.exists()


def test_an_old_slug_leads_on_and_loses_nothing_that_was_typed(event, client):
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
def test_what_breaks_a_rule_is_said_and_stays_in_the_form(wrong, event, client):
    answer = client.post(form_page(event), typed(event, **{"evidence": "Gazette, p. 4"} | wrong))
    assert answer.status_code == 400
    page = answer.content.decode()
    assert 'class="error"' in page
    assert "evidence" in wrong or "Gazette, p. 4" in page
    assert not Correction.objects.exists()
    assert not answer.cookies


def test_lines_count_as_browsers_count_them(event, client):
    assert client.post(form_page(event), typed(event, text="a\r\n" * 2000)).status_code == 302


def test_a_field_people_do_not_see_stops_programs_and_costs_people_nothing(event, client):
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
def test_a_form_is_good_after_three_seconds_for_a_day(ago, taken, event, client, monkeypatch):
    stopped = timezone.now().replace(microsecond=0)  # or a slow machine makes three seconds of two
    monkeypatch.setattr(timezone, "now", lambda: stopped)
    assert client.post(form_page(event), typed(event, ago=ago)).status_code == taken
    assert Correction.objects.count() == (taken == 302)


@pytest.mark.parametrize("token", ["", "forged", "a:b:c", "old", "future", "another"])
def test_a_form_that_is_not_ours_or_too_old_keeps_the_text_and_gets_a_new_token(
    token, event, client
):
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


def test_a_form_is_sent_once(event, client):
    sent = typed(event)
    for _click in range(2):
        assert client.post(form_page(event), sent)["Location"] == f"{form_page(event)}sent/"
    answer = client.post(form_page(event), {**sent, "text": "Something else is wrong."})
    assert answer.status_code == 400
    assert "already have this report" in answer.content.decode()
    assert sent["token"] not in answer.content.decode()
    assert Correction.objects.count() == 1


def test_too_large_a_body_is_not_read(event, client):
    assert client.post(form_page(event), typed(event, text="x" * 200_000)).status_code == 413


def test_one_client_sends_five_an_hour_and_keeps_what_was_typed(event, client):
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
    # A form that met the limit is not used up.
    Sending.objects.update(sent_at=timezone.now() - dt.timedelta(minutes=61))
    token = re.search(r'name="token" value="([^"]+)"', answer.content.decode())[1]
    assert client.post(form_page(event), typed(event, token=token)).status_code == 302


def test_midnight_gives_no_new_allowance_and_a_day_has_twenty(event):
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


def test_all_together_send_two_hundred_an_hour(event, client):
    now = timezone.now()
    Sending.objects.bulk_create(Sending(client=str(n), sent_at=now) for n in range(200))
    assert client.post(form_page(event), typed(event)).status_code == 429


def test_no_address_is_kept(event):
    client = Client(REMOTE_ADDR="203.0.113.77")
    client.post(form_page(event), typed(event))
    kept = str(list(Sending.objects.values())) + str(list(Correction.objects.values()))
    assert "203.0.113.77" not in kept
    assert len(Sending.objects.get().client) == 64


@pytest.mark.parametrize(("behind", "names"), [(False, 1), (True, 2)])
def test_behind_a_proxy_the_last_forwarded_address_counts(behind, names, event, settings):
    settings.BEHIND_PROXY = behind
    for forwarded in ("1.1.1.1, 203.0.113.1", "2.2.2.2, 203.0.113.1", "203.0.113.2"):
        client = Client(headers={"X-Forwarded-For": forwarded})
        client.post(form_page(event), typed(event))
    assert Sending.objects.values("client").distinct().count() == names


def test_addresses_of_one_subscriber_count_as_one(event):
    for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "not an address"):
        Client(REMOTE_ADDR=address).post(form_page(event), typed(event))
    assert Sending.objects.values("client").distinct().count() == 3


def test_what_is_kept_for_the_guard_goes_when_it_is_of_no_use(event, client):
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
def test_the_log_and_the_feed_say_what_was_put_right_and_not_what_was_sent(language, event, client):
    correction = corrected(event, answer="A <b>slip</b> & more", place_en="Kazan <script>")
    Correction.objects.filter(pk=correction.pk).update(contact="reader@example.org")
    page = client.get(f"/{language}/corrections/")
    feed = client.get(f"/{language}/corrections/feed/")
    for response in (page, feed):
        text = response.content.decode()
        assert "Moscow" in text
        assert "Kazan" in text
        assert "Kazan <script" not in text
        # A page's head names scripts of ours; nothing in what a reader sees is one.
        assert "<script" not in (text.partition("<main")[2] or text)
        assert "<b>slip" not in text
        assert "Reader’s own words" not in text
        assert "reader@example.org" not in text
        assert not response.cookies
    assert 'type="application/atom+xml"' in page.content.decode()
    assert f'href="/{language}/corrections/"' in client.get(f"/{language}/").content.decode()


def test_the_feed_is_atom_in_what_atom_requires(event, client):
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


def test_an_empty_feed_is_atom_too(client):
    feed = ElementTree.fromstring(client.get("/id/corrections/feed/").content)
    assert feed.findtext(f"{ATOM}updated")


@pytest.mark.parametrize("outcome", ["declined", "spam"])
def test_what_was_not_taken_up_is_not_listed(outcome, event, client):
    corrected(event, outcome=outcome, place_en="Kazan")
    for address in ("/en/corrections/", "/en/corrections/feed/"):
        assert "Kazan" not in client.get(address).content.decode()


def test_a_withdrawn_record_disappears_from_log_and_feed(event, client):
    corrected(event, place_en="Kazan")
    event.status = Status.WITHDRAWN
    event.save()
    for address in ("/en/corrections/", "/en/corrections/feed/"):
        page = client.get(address).content.decode()
        for text in ("Kazan", "Put right.", event.slug):
            assert text not in page


def test_the_log_tells_nothing_of_what_was_or_is_not_public(client):
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


def test_what_was_taken_back_is_not_told(event, client):
    correction = corrected(event, place_en="Kazan")
    undo = Changeset(kind="undo", undoes=correction.changesets.get())
    undo.state, undo.applied_at = ChangesetState.APPLIED, timezone.now()
    undo.save()
    page = client.get("/en/corrections/").content.decode()
    assert "Put right." in page
    assert "Kazan" not in page


def test_the_log_has_fifty_a_page_newest_first(event, client):
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


def test_a_countrys_corrections_are_about_the_country(client):
    russia = Country.objects.get(alpha3="RUS")
    corrected(russia, existed_from="1991")
    assert "1991" in client.get("/en/corrections/").content.decode()
