"""Merging: all references to one record move to the other, and an undo separates them again."""

import datetime as dt

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse
from django.utils import timezone

from allies.actions.editions import create_edition
from allies.actions.merge import merge_records
from allies.actions.publication import apply_transition
from allies.actions.scheduling import run_due, schedule_action
from allies.actions.undo import new_undo_changeset, undo_changeset
from allies.evidence.guards import EvidenceLost
from allies.models import (
    Alliance,
    AllyList,
    Appointment,
    Changeset,
    Citation,
    Correction,
    Edition,
    Event,
    Membership,
    OldSlug,
    PreviewLink,
    SeeAlso,
    Source,
    Status,
)
from tests import factories
from tests.admin.test_permissions import change, form_of
from tests.admin.test_proposals import exported

pytestmark = pytest.mark.usefixtures("demo_data")


def state():
    """Return everything that a merge and its undo change: exported records, origins, addresses."""
    origins = Source.objects.order_by("pk").values_list("pk", "origin")
    addresses = OldSlug.objects.order_by("noun", "slug").values_list("noun", "slug", "record_id")
    return exported(), list(origins), list(addresses)


def take_back(changeset):
    by = new_undo_changeset(changeset, user=None)
    by.state, by.applied_at = "applied", changeset.applied_at
    report = undo_changeset(changeset=changeset, by=by, user=None)
    assert report.skipped == []
    return by


def to_and_fro(keep, drop, user, **chosen):
    """Merge, undo, redo and undo again, and compare the state each time; then merge for good."""
    before = state()
    changeset = merge_records(keep=keep, drop=drop, chosen=chosen, user=user, reason="The same")
    merged = state()
    first = take_back(changeset)
    assert state() == before
    again = take_back(first)
    assert state() == merged
    take_back(again)
    assert state() == before
    return merge_records(keep=keep, drop=drop, chosen=chosen, user=user)


def merge_page(record, other=None):
    address = reverse(f"admin:allies_{record._meta.model_name}_merge", args=[record.pk])
    return f"{address}?other={other.pk}" if other else address


@pytest.mark.parametrize("status", [Status.DRAFT, Status.PUBLISHED])
def test_merge_alliances(status, reviewer, client):
    keep = factories.alliance("RUS", "IND", title_en="Kept")
    drop = factories.alliance("RUS", "CHN", status=status, title_en="Goes", identifier="x:1")
    drop.slug = "second-name"
    drop.save()
    drop.slug = "third-name"
    drop.save()
    event = factories.event(("RUS", "host"), alliance=drop)
    shared = keep.citations.get().source
    Citation.objects.create(source=shared, alliance=drop, quote="Said twice")
    changeset = to_and_fro(keep, drop, reviewer, identifier="drop", title_ind="drop")
    keep.refresh_from_db()
    event.refresh_from_db()
    assert (keep.title_en, keep.title_ind, keep.identifier) == ("Kept", drop.title_ind, "x:1")
    assert set(keep.memberships.values_list("country__alpha3", flat=True)) == {"RUS", "IND", "CHN"}
    assert (keep.memberships.count(), keep.citations.count()) == (3, 2)
    assert event.alliance == keep
    assert not Alliance.objects.filter(pk=drop.pk).exists()
    assert (changeset.kind, changeset.state, changeset.about) == ("merge", "applied", keep)
    for slug in ("second-name", "third-name"):
        answer = client.get(reverse("allies:alliance-detail", args=[slug]))
        assert (answer.status_code, answer.url) == (301, keep.get_absolute_url())


def test_undo_restores_the_address_and_the_status(reviewer, client):
    keep, drop = (
        factories.event(("RUS", "host")),
        factories.event(("RUS", "host"), ("IND", "visitor")),
    )
    take_back(merge_records(keep=keep, drop=drop, chosen={}, user=reviewer))
    assert Event.objects.get(pk=drop.pk).is_published
    assert client.get(drop.get_absolute_url()).status_code == 200
    assert not OldSlug.objects.filter(slug=drop.slug).exists()


def test_corrections_move_with_the_merge_and_its_undo(reviewer):
    keep, drop = factories.event(("RUS", "host")), factories.event(("RUS", "host"))
    correction = Correction.objects.create(noun="event", record_id=drop.pk, text="It was in May.")
    changeset = merge_records(keep=keep, drop=drop, chosen={}, user=reviewer)
    about = []
    for _time in range(2):
        correction = Correction.objects.get(pk=correction.pk)
        about.append(correction.record.pk)
        changeset = take_back(changeset)
    about.append(Correction.objects.get(pk=correction.pk).record.pk)
    assert about == [keep.pk, drop.pk, keep.pk]


def test_merge_events(reviewer):
    keep = factories.event(("RUS", "host"), ("IND", "visitor"))
    drop = factories.event(("RUS", "host"), ("IND", "participant"))
    to_and_fro(keep, drop, reviewer, date="drop", certainty="drop")
    parts = keep.participations.values_list("country__alpha3", "role")
    assert set(parts) == {("RUS", "host"), ("IND", "visitor"), ("IND", "participant")}
    assert len(parts) == 3


def test_merge_lists_keeps_the_citations_of_both(reviewer):
    keep, drop = factories.ally_list("RUS", "CHN", "IND"), factories.ally_list("RUS", "IND", "THA")
    for ally_list in (keep, drop):
        SeeAlso.objects.create(ally_list=ally_list, source=Source.objects.get(key="dw-2024-en"))
    to_and_fro(keep, drop, reviewer, intro_en="drop")
    entries = keep.entries.order_by("position")
    assert [(e.country.alpha3, e.position, e.citations.count()) for e in entries] == [
        ("CHN", 1, 1),
        ("IND", 2, 2),
        ("THA", 3, 1),
    ]
    assert keep.see_also.count() == 1


def test_merge_sources_moves_all_references(reviewer, client):
    keep, drop = factories.source(), factories.source()
    event = factories.event(("RUS", "host"), cited=False, status=Status.DRAFT)
    factories.cite(event, drop)
    factories.cite(event, keep, locator="p. 2")
    factories.cite(event, drop, locator="p. 2")
    event.status = Status.PUBLISHED
    event.save()
    child = factories.source(derived_from=drop)
    grandchild = factories.source(derived_from=child)
    ally_list = factories.ally_list("RUS", "CHN", recorded_from=drop)
    SeeAlso.objects.create(ally_list=ally_list, source=drop)
    to_and_fro(keep, drop, reviewer)
    for record in (child, grandchild, ally_list):
        record.refresh_from_db()
    assert (child.derived_from, child.origin, grandchild.origin) == (keep, keep, keep)
    assert ally_list.recorded_from == keep
    assert event.citations.filter(source=keep).count() == 2
    assert Event.objects.published().filter(pk=event.pk).exists()
    for page in ("", "history/"):
        answer = client.get(f"{drop.get_absolute_url()}{page}?p=1")
        assert (answer.status_code, answer.url) == (301, f"{keep.get_absolute_url()}{page}?p=1")


def test_merge_into_a_derived_source_leaves_no_circle(reviewer):
    top = factories.source()
    drop = factories.source(derived_from=top)
    keep = factories.source(derived_from=drop)
    to_and_fro(keep, drop, reviewer)
    keep.refresh_from_db()
    assert (keep.derived_from, keep.origin) == (top, top)


def test_merge_into_the_original_source_clears_the_derivation(reviewer):
    keep = factories.source()
    drop = factories.source(derived_from=keep)
    to_and_fro(keep, drop, reviewer, derived_from="drop")
    keep.refresh_from_db()
    assert (keep.derived_from, keep.origin) == (None, None)


def test_circular_derivation_is_refused_and_nothing_is_written(reviewer):
    drop = factories.source()
    between = factories.source(derived_from=drop)
    keep = factories.source(derived_from=between)
    before = state()
    with pytest.raises(ValidationError, match="circle"):
        merge_records(keep=keep, drop=drop, chosen={}, user=reviewer)
    assert state() == before
    to_and_fro(keep, drop, reviewer, derived_from="drop")
    keep.refresh_from_db()
    assert keep.derived_from is None


def test_broken_rule_rolls_everything_back(reviewer):
    keep, drop = factories.ally_list("RUS", "CHN"), factories.ally_list("IND", "THA", "RUS")
    before = state()
    with pytest.raises(ValidationError, match="its own ally"):
        merge_records(keep=keep, drop=drop, chosen={}, user=reviewer)
    assert state() == before
    assert not Changeset.objects.filter(kind="merge").exists()


@pytest.mark.parametrize("who", ["same", "kind", "draft"])
def test_invalid_pairs_are_refused(who, reviewer):
    keep = factories.event(("RUS", "host"))
    other = {
        "same": lambda: (keep, keep),
        "kind": lambda: (keep, factories.alliance("RUS", "IND")),
        "draft": lambda: (factories.event(("RUS", "host"), status=Status.DRAFT), keep),
    }[who]()
    before = state()
    with pytest.raises(ValidationError):
        merge_records(keep=other[0], drop=other[1], chosen={}, user=reviewer)
    assert state() == before


def test_source_of_a_public_record_is_not_merged_into_a_draft(reviewer):
    event = factories.event(("RUS", "host"))
    drop = event.citations.get().source
    with pytest.raises((ValidationError, EvidenceLost), match="published"):
        merge_records(
            keep=factories.source(status=Status.DRAFT), drop=drop, chosen={}, user=reviewer
        )


def test_editor_merges_only_drafts(editor):
    draft, other = (factories.event(("RUS", "host"), status=Status.DRAFT) for _n in range(2))
    public = factories.event(("RUS", "host"))
    for keep, drop in ((public, draft), (draft, public)):
        with pytest.raises(PermissionDenied):
            merge_records(keep=keep, drop=drop, chosen={}, user=editor)
    merge_records(keep=draft, drop=other, chosen={}, user=editor)


def test_editor_cannot_move_a_citation_of_a_public_record(editor):
    keep, drop = (factories.source(status=Status.DRAFT) for _n in range(2))
    factories.cite(factories.event(("RUS", "host")), drop)
    with pytest.raises(PermissionDenied):
        merge_records(keep=keep, drop=drop, chosen={}, user=editor)
    assert drop.citations.count() == 1


def test_open_proposals_of_the_dropped_record_prevent_the_merge(editor, reviewer, login_as):
    keep, drop = factories.event(("RUS", "host")), factories.event(("RUS", "host"))
    login_as(editor).post(
        change(drop), form_of(login_as(editor), change(drop)) | {"title_en": "New"}
    )
    with pytest.raises(ValidationError, match="has open proposals"):
        merge_records(keep=keep, drop=drop, chosen={}, user=reviewer)


def test_undo_skips_and_names_records_edited_since_the_merge(reviewer):
    keep, drop = factories.event(("RUS", "host")), factories.event(("IND", "visitor"))
    changeset = merge_records(keep=keep, drop=drop, chosen={"date": "drop"}, user=reviewer)
    keep.refresh_from_db()
    keep.title_en = "Written since"
    keep.save()
    by = new_undo_changeset(changeset, user=None)
    by.state, by.applied_at = "applied", changeset.applied_at
    report = undo_changeset(changeset=changeset, by=by, user=None)
    assert [kept.name for kept in report.skipped] == ["Written since"]
    assert Event.objects.get(pk=drop.pk).participations.count() == 1
    assert Event.objects.get(pk=keep.pk).title_en == "Written since"


def test_two_merges_are_undone_in_reverse_order(reviewer):
    first, second, third = (factories.source() for _n in range(3))
    start = state()
    one = merge_records(keep=second, drop=first, chosen={}, user=reviewer)
    between = state()
    two = merge_records(keep=third, drop=second, chosen={}, user=reviewer)
    leads_to = OldSlug.objects.filter(noun="source", slug__in=[first.key, second.key])
    assert set(leads_to.values_list("record_id", flat=True)) == {third.pk}
    take_back(two)
    assert state() == between
    take_back(one)
    assert state() == start


def test_user_without_publish_permission_cannot_undo_to_a_published_record(editor, reviewer):
    keep, drop = factories.source(), factories.source()
    changeset = merge_records(keep=keep, drop=drop, chosen={}, user=reviewer)
    Source.objects.filter(pk=keep.pk).update(status=Status.WITHDRAWN)
    with pytest.raises(PermissionDenied):
        undo_changeset(
            changeset=changeset, by=new_undo_changeset(changeset, user=editor), user=editor
        )


# The page.


@pytest.mark.parametrize("noun", ["alliance", "event", "source", "allylist"])
def test_merge_on_the_page(noun, reviewer, login_as):
    make = {
        "alliance": lambda **given: factories.alliance("RUS", "IND", **given),
        "event": lambda **given: factories.event(("RUS", "host"), **given),
        "source": lambda title_en: factories.source(title=title_en),
        "allylist": lambda **given: factories.ally_list("RUS", "CHN", **given),
    }[noun]
    keep, drop = make(title_en="Staying"), make(title_en="Going")
    client = login_as(reviewer)
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
    assert changeset.created_by == reviewer
    assert keep.history.first().history_user == reviewer
    shown = client.get(reverse("admin:allies_changeset_one", args=[changeset.pk]))
    assert shown.status_code == 200


def test_undo_from_the_changeset_page(reviewer, login_as, eager_tasks):
    keep, drop = factories.alliance("RUS", "IND"), factories.alliance("RUS", "CHN")
    before = state()
    client = login_as(reviewer)
    client.post(merge_page(keep), {"other": drop.pk})
    changeset = Changeset.objects.get(kind="merge")
    page = reverse("admin:allies_changeset_one", args=[changeset.pk])
    client.post(page, {"undo": "1"})
    by = reverse("admin:allies_changeset_one", args=[Changeset.objects.get(undoes=changeset).pk])
    with eager_tasks():
        client.post(by, {"apply": "1"})
    assert state() == before


def test_records_changed_since_the_page_was_opened_are_not_merged(reviewer, login_as):
    keep, drop = factories.alliance("RUS", "IND"), factories.alliance("RUS", "CHN")
    client = login_as(reviewer)
    opened = client.get(merge_page(keep, drop)).context
    sent = {"other": drop.pk, "_opened": opened["opened"], "_opened_other": opened["opened_other"]}
    Membership.objects.create(alliance=drop, country=factories.country("THA"))
    answer = client.post(merge_page(keep), sent)
    assert "Check both records again." in answer.content.decode()
    assert Alliance.objects.filter(pk=drop.pk).exists()


def test_refusal_is_shown_on_the_page(reviewer, login_as):
    keep, drop = factories.ally_list("RUS", "CHN"), factories.ally_list("IND", "THA", "RUS")
    answer = login_as(reviewer).post(merge_page(keep), {"other": drop.pk, "_reason": "Typed"})
    page = answer.content.decode()
    assert "its own ally" in page
    assert 'value="Typed"' in page
    assert AllyList.objects.filter(pk=drop.pk).exists()


def test_merge_page_checks_permissions(editor, data_manager, client, login_as):
    public, draft = factories.event(("RUS", "host")), factories.event(status=Status.DRAFT)
    assert client.get(merge_page(public)).status_code == 302
    editor_client = login_as(editor)
    assert editor_client.get(merge_page(public)).status_code == 403
    assert merge_page(public) not in editor_client.get(change(public)).content.decode()
    assert editor_client.get(merge_page(draft)).status_code == 200
    assert editor_client.get(merge_page(draft, public)).status_code == 403
    assert editor_client.post(merge_page(draft), {"other": public.pk}).status_code == 403
    assert login_as(data_manager).get(merge_page(draft)).status_code == 403
    missing = reverse("admin:allies_event_merge", args=[10**9])
    assert editor_client.get(missing).status_code == 404
    assert editor_client.get(f"{merge_page(draft)}?other=nonsense").status_code == 404
    assert editor_client.get(merge_page(draft, draft)).status_code == 404
    assert editor_client.post(merge_page(draft)).status_code == 404
    country = factories.country("RUS")
    assert editor_client.get(f"/en/admin/allies/country/{country.pk}/merge/").status_code != 200
    assert Event.objects.filter(pk=public.pk).exists()


# Public addresses.


def rename(record, slug):
    record = type(record).objects.get(pk=record.pk)
    record.slug = slug
    record.save()
    return record


def leads_to(visitor, page, slug):
    answer = visitor.get(reverse(page, args=[slug]))
    return answer.url if answer.status_code == 301 else answer.status_code


def test_merged_draft_does_not_take_the_address_of_a_public_record(editor, client, login_as):
    public = rename(factories.event(("RUS", "host"), slug="old-address"), "new-address")
    page = "allies:event-detail"
    drop = factories.event(status=Status.DRAFT, slug="old-address")
    keep = factories.event(status=Status.DRAFT)
    assert leads_to(client, page, "old-address") == public.get_absolute_url()
    answer = login_as(editor).post(merge_page(keep), {"other": drop.pk})
    assert (answer.status_code, Event.objects.filter(pk=drop.pk).exists()) == (302, False)
    assert leads_to(client, page, "old-address") == public.get_absolute_url()
    first = take_back(Changeset.objects.get(kind="merge"))
    assert leads_to(client, page, "old-address") == public.get_absolute_url()
    take_back(first)
    assert leads_to(client, page, "old-address") == public.get_absolute_url()


def test_editions_of_a_merged_list_stay_on_the_public_list(editor, reviewer):
    keep, drop = (
        factories.ally_list("RUS", "CHN"),
        factories.ally_list("RUS", "IND", slug="merged-list"),
    )
    edition = create_edition(ally_list=drop, user=reviewer)
    merge_records(keep=keep, drop=drop, chosen={}, user=reviewer)
    for slug in ("one", "two"):
        assert edition in Edition.objects.of(keep)
        draft, other = (
            factories.ally_list("RUS", "THA", status=Status.DRAFT, slug=address)
            for address in ("merged-list", slug)
        )
        merge_records(keep=other, drop=draft, chosen={}, user=editor)
    assert edition in Edition.objects.of(keep)


def test_undo_and_redo_keep_addresses_that_others_gave_up_since(editor, reviewer, client):
    drop = factories.event(status=Status.DRAFT, slug="shared")
    changeset = merge_records(
        keep=factories.event(status=Status.DRAFT), drop=drop, chosen={}, user=editor
    )
    public = rename(factories.event(("RUS", "host"), slug="shared"), "renamed-since")
    page = "allies:event-detail"
    assert leads_to(client, page, "shared") == public.get_absolute_url()
    for _time in range(2):
        changeset = take_back(changeset)
        assert leads_to(client, page, "shared") == public.get_absolute_url()


def test_editor_cannot_undo_a_merge_into_a_record_published_since(editor, reviewer, client):
    drop = factories.event(("RUS", "host"), status=Status.DRAFT, slug="merged-draft")
    keep = factories.event(("RUS", "host"), status=Status.DRAFT)
    changeset = merge_records(keep=keep, drop=drop, chosen={}, user=editor)
    keep = Event.objects.get(pk=keep.pk)
    apply_transition(record=keep, step="publish", user=reviewer)
    page = "allies:event-detail"
    assert leads_to(client, page, "merged-draft") == keep.get_absolute_url()
    with pytest.raises(PermissionDenied):
        undo_changeset(
            changeset=changeset, by=new_undo_changeset(changeset, user=editor), user=editor
        )
    assert leads_to(client, page, "merged-draft") == keep.get_absolute_url()


# Scheduled steps and preview links.


def schedule(record, user):
    return schedule_action(
        record=record, step="publish", due_at=timezone.now() + dt.timedelta(days=1), user=user
    )


def test_scheduled_steps_and_preview_links_end_with_a_merge(editor, reviewer, client, login_as):
    keep = factories.event(("RUS", "host"), status=Status.DRAFT)
    drop = factories.event(("RUS", "host"), status=Status.DRAFT)
    editor_client = login_as(editor)
    assert (
        "Lost with the removed record"
        not in editor_client.get(merge_page(keep, drop)).content.decode()
    )
    kept = schedule(keep, reviewer)
    schedule(drop, reviewer)
    links = reverse("admin:allies_event_links", args=[drop.pk])
    editor_client.post(links, {"days": "7"})
    link = reverse("allies:preview", args=[PreviewLink.objects.get().token])
    assert client.get(link).status_code == 200
    page = editor_client.get(merge_page(keep, drop)).content.decode()
    for text in ("Lost with the removed record", "Scheduled actions: 1", "Preview links: 1"):
        assert text in page
    assert editor_client.post(merge_page(keep), {"other": drop.pk}).status_code == 302
    take_back(Changeset.objects.get(kind="merge"))
    assert client.get(link).status_code == 404
    assert list(Appointment.objects.all()) == [kept]
    Appointment.objects.update(due_at=timezone.now())
    assert [step.pk for step in run_due()] == [kept.pk]
    assert not Event.objects.get(pk=drop.pk).is_published
