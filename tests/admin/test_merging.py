"""Merging: all that led to the one that goes leads to the other, and an undo parts them again."""

import datetime as dt

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse
from django.utils import timezone

from allies.actions.appointments import keep_appointments, make_appointment
from allies.actions.editions import make_edition
from allies.actions.merging import merge
from allies.actions.publication import take_step
from allies.actions.undo import undo, undoing
from allies.models import (
    Alliance,
    AllyList,
    Appointment,
    Changeset,
    Citation,
    Correction,
    Edition,
    Event,
    EvidenceLost,
    Membership,
    OldSlug,
    PreviewLink,
    SeeAlso,
    Source,
    Status,
)
from tests import cast
from tests.admin.test_proposals import exported
from tests.admin.test_rights import change, form_of

pytestmark = pytest.mark.usefixtures("starter")


def state():
    """Return all that a merge and its undo are about: the records as exported, the addresses."""
    origins = Source.objects.order_by("pk").values_list("pk", "origin")
    addresses = OldSlug.objects.order_by("noun", "slug").values_list("noun", "slug", "record_id")
    return exported(), list(origins), list(addresses)


def take_back(changeset):
    by = undoing(changeset, user=None)
    by.state, by.applied_at = "applied", changeset.applied_at
    report = undo(changeset=changeset, by=by, user=None)
    assert report.kept == []
    return by


def to_and_fro(keep, drop, user, **chosen):
    """Merge, undo, redo and undo again: each time exactly what it was; leave it merged."""
    before = state()
    changeset = merge(keep=keep, drop=drop, chosen=chosen, user=user, reason="The same")
    merged = state()
    first = take_back(changeset)
    assert state() == before
    again = take_back(first)
    assert state() == merged
    take_back(again)
    assert state() == before
    return merge(keep=keep, drop=drop, chosen=chosen, user=user)


def merge_page(record, other=None):
    address = reverse(f"admin:allies_{record._meta.model_name}_merge", args=[record.pk])
    return f"{address}?other={other.pk}" if other else address


@pytest.mark.parametrize("status", [Status.DRAFT, Status.PUBLISHED])
def test_alliances_become_one(status, rita, visitor):
    keep = cast.alliance("RUS", "IND", title_en="Kept")
    drop = cast.alliance("RUS", "CHN", status=status, title_en="Goes", identifier="x:1")
    drop.slug = "second-name"
    drop.save()
    drop.slug = "third-name"
    drop.save()
    event = cast.event(("RUS", "host"), alliance=drop)
    shared = keep.citations.get().source
    Citation.objects.create(source=shared, alliance=drop, quote="Said twice")
    changeset = to_and_fro(keep, drop, rita, identifier="drop", title_ind="drop")
    keep.refresh_from_db()
    event.refresh_from_db()
    assert (keep.title_en, keep.title_ind, keep.identifier) == ("Kept", drop.title_ind, "x:1")
    assert set(keep.memberships.values_list("country__alpha3", flat=True)) == {"RUS", "IND", "CHN"}
    assert (keep.memberships.count(), keep.citations.count()) == (3, 2)
    assert event.alliance == keep
    assert not Alliance.objects.filter(pk=drop.pk).exists()
    assert (changeset.kind, changeset.state, changeset.about) == ("merge", "applied", keep)
    for slug in ("second-name", "third-name"):
        answer = visitor.get(reverse("allies:alliance-detail", args=[slug]))
        assert (answer.status_code, answer.url) == (301, keep.get_absolute_url())


def test_undone_the_address_is_its_own_again_and_it_is_published(rita, visitor):
    keep, drop = cast.event(("RUS", "host")), cast.event(("RUS", "host"), ("IND", "visitor"))
    take_back(merge(keep=keep, drop=drop, chosen={}, user=rita))
    assert Event.objects.get(pk=drop.pk).is_published
    assert visitor.get(drop.get_absolute_url()).status_code == 200
    assert not OldSlug.objects.filter(slug=drop.slug).exists()


def test_corrections_by_readers_go_with_the_merge_and_come_back(rita):
    keep, drop = cast.event(("RUS", "host")), cast.event(("RUS", "host"))
    correction = Correction.objects.create(noun="event", record_id=drop.pk, text="It was in May.")
    changeset = merge(keep=keep, drop=drop, chosen={}, user=rita)
    about = []
    for _time in range(2):
        correction = Correction.objects.get(pk=correction.pk)
        about.append(correction.record.pk)
        changeset = take_back(changeset)
    about.append(Correction.objects.get(pk=correction.pk).record.pk)
    assert about == [keep.pk, drop.pk, keep.pk]


def test_events_become_one(rita):
    keep = cast.event(("RUS", "host"), ("IND", "visitor"))
    drop = cast.event(("RUS", "host"), ("IND", "participant"))
    to_and_fro(keep, drop, rita, date="drop", certainty="drop")
    parts = keep.participations.values_list("country__alpha3", "role")
    assert set(parts) == {("RUS", "host"), ("IND", "visitor"), ("IND", "participant")}
    assert len(parts) == 3


def test_lists_become_one_and_what_both_list_keeps_the_citations_of_both(rita):
    keep, drop = cast.ally_list("RUS", "CHN", "IND"), cast.ally_list("RUS", "IND", "THA")
    for ally_list in (keep, drop):
        SeeAlso.objects.create(ally_list=ally_list, source=Source.objects.get(key="dw-2024-en"))
    to_and_fro(keep, drop, rita, intro_en="drop")
    entries = keep.entries.order_by("position")
    assert [(e.country.alpha3, e.position, e.citations.count()) for e in entries] == [
        ("CHN", 1, 1),
        ("IND", 2, 2),
        ("THA", 3, 1),
    ]
    assert keep.see_also.count() == 1


def test_sources_become_one_with_all_that_draws_on_them(rita, visitor):
    keep, drop = cast.source(), cast.source()
    event = cast.event(("RUS", "host"), cited=False, status=Status.DRAFT)
    cast.cite(event, drop)
    cast.cite(event, keep, locator="p. 2")
    cast.cite(event, drop, locator="p. 2")
    event.status = Status.PUBLISHED
    event.save()
    child = cast.source(derived_from=drop)
    grandchild = cast.source(derived_from=child)
    ally_list = cast.ally_list("RUS", "CHN", recorded_from=drop)
    SeeAlso.objects.create(ally_list=ally_list, source=drop)
    to_and_fro(keep, drop, rita)
    for record in (child, grandchild, ally_list):
        record.refresh_from_db()
    assert (child.derived_from, child.origin, grandchild.origin) == (keep, keep, keep)
    assert ally_list.recorded_from == keep
    assert event.citations.filter(source=keep).count() == 2
    assert Event.objects.published().filter(pk=event.pk).exists()
    for page in ("", "history/"):
        answer = visitor.get(f"{drop.get_absolute_url()}{page}?p=1")
        assert (answer.status_code, answer.url) == (301, f"{keep.get_absolute_url()}{page}?p=1")


def test_what_is_merged_into_its_derivative_leaves_no_circle(rita):
    top = cast.source()
    drop = cast.source(derived_from=top)
    keep = cast.source(derived_from=drop)
    to_and_fro(keep, drop, rita)
    keep.refresh_from_db()
    assert (keep.derived_from, keep.origin) == (top, top)


def test_what_is_merged_into_its_original_is_derived_from_nothing(rita):
    keep = cast.source()
    drop = cast.source(derived_from=keep)
    to_and_fro(keep, drop, rita, derived_from="drop")
    keep.refresh_from_db()
    assert (keep.derived_from, keep.origin) == (None, None)


def test_a_circle_is_refused_and_nothing_is_half_done(rita):
    drop = cast.source()
    between = cast.source(derived_from=drop)
    keep = cast.source(derived_from=between)
    before = state()
    with pytest.raises(ValidationError, match="circle"):
        merge(keep=keep, drop=drop, chosen={}, user=rita)
    assert state() == before
    to_and_fro(keep, drop, rita, derived_from="drop")
    keep.refresh_from_db()
    assert keep.derived_from is None


def test_a_rule_that_breaks_halfway_leaves_everything(rita):
    keep, drop = cast.ally_list("RUS", "CHN"), cast.ally_list("IND", "THA", "RUS")
    before = state()
    with pytest.raises(ValidationError, match="its own ally"):
        merge(keep=keep, drop=drop, chosen={}, user=rita)
    assert state() == before
    assert not Changeset.objects.filter(kind="merge").exists()


@pytest.mark.parametrize("who", ["same", "kind", "draft"])
def test_what_cannot_be_merged(who, rita):
    keep = cast.event(("RUS", "host"))
    other = {
        "same": lambda: (keep, keep),
        "kind": lambda: (keep, cast.alliance("RUS", "IND")),
        "draft": lambda: (cast.event(("RUS", "host"), status=Status.DRAFT), keep),
    }[who]()
    before = state()
    with pytest.raises(ValidationError):
        merge(keep=other[0], drop=other[1], chosen={}, user=rita)
    assert state() == before


def test_public_evidence_is_not_merged_into_a_draft(rita):
    event = cast.event(("RUS", "host"))
    drop = event.citations.get().source
    with pytest.raises((ValidationError, EvidenceLost), match="published"):
        merge(keep=cast.source(status=Status.DRAFT), drop=drop, chosen={}, user=rita)


def test_an_editor_merges_drafts_and_nothing_public(edi):
    draft, other = (cast.event(("RUS", "host"), status=Status.DRAFT) for _n in range(2))
    public = cast.event(("RUS", "host"))
    for keep, drop in ((public, draft), (draft, public)):
        with pytest.raises(PermissionDenied):
            merge(keep=keep, drop=drop, chosen={}, user=edi)
    merge(keep=draft, drop=other, chosen={}, user=edi)


def test_an_editor_moves_no_citation_of_something_public(edi):
    keep, drop = (cast.source(status=Status.DRAFT) for _n in range(2))
    cast.cite(cast.event(("RUS", "host")), drop)
    with pytest.raises(PermissionDenied):
        merge(keep=keep, drop=drop, chosen={}, user=edi)
    assert drop.citations.count() == 1


def test_proposals_on_the_one_that_goes_are_decided_first(edi, rita, signed_in):
    keep, drop = cast.event(("RUS", "host")), cast.event(("RUS", "host"))
    signed_in(edi).post(change(drop), form_of(signed_in(edi), change(drop)) | {"title_en": "New"})
    with pytest.raises(ValidationError, match="has open proposals"):
        merge(keep=keep, drop=drop, chosen={}, user=rita)


def test_what_was_written_since_a_merge_stays_and_is_named(rita):
    keep, drop = cast.event(("RUS", "host")), cast.event(("IND", "visitor"))
    changeset = merge(keep=keep, drop=drop, chosen={"date": "drop"}, user=rita)
    keep.refresh_from_db()
    keep.title_en = "Written since"
    keep.save()
    by = undoing(changeset, user=None)
    by.state, by.applied_at = "applied", changeset.applied_at
    report = undo(changeset=changeset, by=by, user=None)
    assert [kept.name for kept in report.kept] == ["Written since"]
    assert Event.objects.get(pk=drop.pk).participations.count() == 1
    assert Event.objects.get(pk=keep.pk).title_en == "Written since"


def test_merged_twice_and_undone_backwards(rita):
    first, second, third = (cast.source() for _n in range(3))
    start = state()
    one = merge(keep=second, drop=first, chosen={}, user=rita)
    between = state()
    two = merge(keep=third, drop=second, chosen={}, user=rita)
    leads_to = OldSlug.objects.filter(noun="source", slug__in=[first.key, second.key])
    assert set(leads_to.values_list("record_id", flat=True)) == {third.pk}
    take_back(two)
    assert state() == between
    take_back(one)
    assert state() == start


def test_who_may_not_publish_brings_nothing_published_back(edi, rita):
    keep, drop = cast.source(), cast.source()
    changeset = merge(keep=keep, drop=drop, chosen={}, user=rita)
    Source.objects.filter(pk=keep.pk).update(status=Status.WITHDRAWN)
    with pytest.raises(PermissionDenied):
        undo(changeset=changeset, by=undoing(changeset, user=edi), user=edi)


# The page.


@pytest.mark.parametrize("noun", ["alliance", "event", "source", "allylist"])
def test_two_are_merged_on_the_page(noun, rita, signed_in):
    make = {
        "alliance": lambda **given: cast.alliance("RUS", "IND", **given),
        "event": lambda **given: cast.event(("RUS", "host"), **given),
        "source": lambda title_en: cast.source(title=title_en),
        "allylist": lambda **given: cast.ally_list("RUS", "CHN", **given),
    }[noun]
    keep, drop = make(title_en="Staying"), make(title_en="Going")
    client = signed_in(rita)
    assert merge_page(keep) in client.get(change(keep)).content.decode()
    key = getattr(drop, "slug", None) or drop.key
    for query in (key, "Going"):
        found = client.get(merge_page(keep), {"q": query}).content.decode()
        assert f'href="?other={drop.pk}"' in found
    page = client.get(merge_page(keep, drop)).content.decode()
    for text in ("Staying", "Going", "<legend>Title", 'type="radio"'):
        assert text in page
    for inline in ("<script>", "style=", "onclick"):
        assert inline not in page.partition("content-main")[2]
    field = "field-title" if noun == "source" else "field-title_en"
    sent = {"other": drop.pk, field: "drop", "_reason": "Twice", "_public_note": "Was two."}
    answer = client.post(merge_page(keep), sent)
    assert (answer.status_code, answer.url) == (302, change(keep))
    keep.refresh_from_db()
    assert "Going" in str(keep)
    changeset = Changeset.objects.get(kind="merge")
    assert (changeset.reason, changeset.public_note) == ("Twice", "Was two.")
    assert changeset.created_by == rita
    assert keep.history.first().history_user == rita
    shown = client.get(reverse("admin:allies_changeset_one", args=[changeset.pk]))
    assert shown.status_code == 200


def test_a_merge_is_undone_from_its_page(rita, signed_in, at_once):
    keep, drop = cast.alliance("RUS", "IND"), cast.alliance("RUS", "CHN")
    before = state()
    client = signed_in(rita)
    client.post(merge_page(keep), {"other": drop.pk})
    changeset = Changeset.objects.get(kind="merge")
    page = reverse("admin:allies_changeset_one", args=[changeset.pk])
    client.post(page, {"undo": "1"})
    by = reverse("admin:allies_changeset_one", args=[Changeset.objects.get(undoes=changeset).pk])
    with at_once():
        client.post(by, {"apply": "1"})
    assert state() == before


def test_what_changed_since_it_was_shown_is_not_merged(rita, signed_in):
    keep, drop = cast.alliance("RUS", "IND"), cast.alliance("RUS", "CHN")
    client = signed_in(rita)
    opened = client.get(merge_page(keep, drop)).context
    sent = {"other": drop.pk, "_opened": opened["opened"], "_opened_other": opened["opened_other"]}
    Membership.objects.create(alliance=drop, country=cast.country("THA"))
    answer = client.post(merge_page(keep), sent)
    assert "Check both records again." in answer.content.decode()
    assert Alliance.objects.filter(pk=drop.pk).exists()


def test_a_refusal_is_told_on_the_page(rita, signed_in):
    keep, drop = cast.ally_list("RUS", "CHN"), cast.ally_list("IND", "THA", "RUS")
    answer = signed_in(rita).post(merge_page(keep), {"other": drop.pk, "_reason": "Typed"})
    page = answer.content.decode()
    assert "its own ally" in page
    assert 'value="Typed"' in page
    assert AllyList.objects.filter(pk=drop.pk).exists()


def test_who_may_not_merge_meets_a_closed_door(edi, dana, visitor, signed_in):
    public, draft = cast.event(("RUS", "host")), cast.event(status=Status.DRAFT)
    assert visitor.get(merge_page(public)).status_code == 302
    editor_client = signed_in(edi)
    assert editor_client.get(merge_page(public)).status_code == 403
    assert merge_page(public) not in editor_client.get(change(public)).content.decode()
    assert editor_client.get(merge_page(draft)).status_code == 200
    assert editor_client.get(merge_page(draft, public)).status_code == 403
    assert editor_client.post(merge_page(draft), {"other": public.pk}).status_code == 403
    assert signed_in(dana).get(merge_page(draft)).status_code == 403
    missing = reverse("admin:allies_event_merge", args=[10**9])
    assert editor_client.get(missing).status_code == 404
    assert editor_client.get(f"{merge_page(draft)}?other=nonsense").status_code == 404
    assert editor_client.get(merge_page(draft, draft)).status_code == 404
    assert editor_client.post(merge_page(draft)).status_code == 404
    country = cast.country("RUS")
    assert editor_client.get(f"/en/admin/allies/country/{country.pk}/merge/").status_code != 200
    assert Event.objects.filter(pk=public.pk).exists()


# Addresses that readers know.


def rename(record, slug):
    record = type(record).objects.get(pk=record.pk)
    record.slug = slug
    record.save()
    return record


def leads_to(visitor, page, slug):
    answer = visitor.get(reverse(page, args=[slug]))
    return answer.url if answer.status_code == 301 else answer.status_code


def test_an_editor_merging_drafts_takes_no_address_of_a_public_record(edi, visitor, signed_in):
    public = rename(cast.event(("RUS", "host"), slug="old-address"), "new-address")
    page = "allies:event-detail"
    drop = cast.event(status=Status.DRAFT, slug="old-address")
    keep = cast.event(status=Status.DRAFT)
    assert leads_to(visitor, page, "old-address") == public.get_absolute_url()
    answer = signed_in(edi).post(merge_page(keep), {"other": drop.pk})
    assert (answer.status_code, Event.objects.filter(pk=drop.pk).exists()) == (302, False)
    assert leads_to(visitor, page, "old-address") == public.get_absolute_url()
    first = take_back(Changeset.objects.get(kind="merge"))
    assert leads_to(visitor, page, "old-address") == public.get_absolute_url()
    take_back(first)
    assert leads_to(visitor, page, "old-address") == public.get_absolute_url()


def test_the_editions_of_a_merged_list_stay_on_the_public_list(edi, rita):
    keep, drop = cast.ally_list("RUS", "CHN"), cast.ally_list("RUS", "IND", slug="merged-list")
    edition = make_edition(ally_list=drop, user=rita)
    merge(keep=keep, drop=drop, chosen={}, user=rita)
    for slug in ("one", "two"):
        assert edition in Edition.objects.of(keep)
        draft, other = (
            cast.ally_list("RUS", "THA", status=Status.DRAFT, slug=address)
            for address in ("merged-list", slug)
        )
        merge(keep=other, drop=draft, chosen={}, user=edi)
    assert edition in Edition.objects.of(keep)


def test_a_merge_is_undone_and_redone_without_addresses_others_left_since(edi, rita, visitor):
    drop = cast.event(status=Status.DRAFT, slug="shared")
    changeset = merge(keep=cast.event(status=Status.DRAFT), drop=drop, chosen={}, user=edi)
    public = rename(cast.event(("RUS", "host"), slug="shared"), "renamed-since")
    page = "allies:event-detail"
    assert leads_to(visitor, page, "shared") == public.get_absolute_url()
    for _time in range(2):
        changeset = take_back(changeset)
        assert leads_to(visitor, page, "shared") == public.get_absolute_url()


def test_an_editor_does_not_undo_a_merge_whose_kept_record_was_published(edi, rita, visitor):
    drop = cast.event(("RUS", "host"), status=Status.DRAFT, slug="merged-draft")
    keep = cast.event(("RUS", "host"), status=Status.DRAFT)
    changeset = merge(keep=keep, drop=drop, chosen={}, user=edi)
    keep = Event.objects.get(pk=keep.pk)
    take_step(record=keep, step="publish", user=rita)
    page = "allies:event-detail"
    assert leads_to(visitor, page, "merged-draft") == keep.get_absolute_url()
    with pytest.raises(PermissionDenied):
        undo(changeset=changeset, by=undoing(changeset, user=edi), user=edi)
    assert leads_to(visitor, page, "merged-draft") == keep.get_absolute_url()


# Steps to come, and links to drafts.


def schedule(record, user):
    return make_appointment(
        record=record, step="publish", due_at=timezone.now() + dt.timedelta(days=1), user=user
    )


def test_scheduled_steps_and_preview_links_end_with_a_merge(edi, rita, visitor, signed_in):
    keep = cast.event(("RUS", "host"), status=Status.DRAFT)
    drop = cast.event(("RUS", "host"), status=Status.DRAFT)
    editor_client = signed_in(edi)
    assert (
        "Lost with the removed record"
        not in editor_client.get(merge_page(keep, drop)).content.decode()
    )
    kept = schedule(keep, rita)
    schedule(drop, rita)
    links = reverse("admin:allies_event_links", args=[drop.pk])
    editor_client.post(links, {"days": "7"})
    link = reverse("allies:preview", args=[PreviewLink.objects.get().token])
    assert visitor.get(link).status_code == 200
    page = editor_client.get(merge_page(keep, drop)).content.decode()
    for text in ("Lost with the removed record", "Scheduled actions: 1", "Preview links: 1"):
        assert text in page
    assert editor_client.post(merge_page(keep), {"other": drop.pk}).status_code == 302
    take_back(Changeset.objects.get(kind="merge"))
    assert visitor.get(link).status_code == 404
    assert list(Appointment.objects.all()) == [kept]
    Appointment.objects.update(due_at=timezone.now())
    assert [step.pk for step in keep_appointments()] == [kept.pk]
    assert not Event.objects.get(pk=drop.pk).is_published
