"""Contents and order of the named querysets."""

import datetime as dt

import pytest
from django.contrib.auth.models import User
from django.forms import modelform_factory
from django.utils import timezone
from django.utils.translation import override

from allies.actions.publication import apply_transition
from allies.evidence.guards import EVIDENCED_MODELS, published_but_unsupported
from allies.models import (
    Alliance,
    Changeset,
    Country,
    Edition,
    Event,
    Record,
    Source,
    Status,
)
from allies.models.changeset import RETENTION
from allies.models.edition import EditionImmutable
from allies.models.fields import DerivedFieldMixin
from allies.models.m49 import NAMES, region_choices
from allies.models.registry import record_models
from tests import factories

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("demo_data")]


def changeset(**given):
    now = timezone.now()
    applied = {"applied_at": now} if given.get("state") == "applied" else {}
    return Changeset.objects.create(**{"kind": "import", **applied, **given})


@pytest.mark.parametrize(
    ("given", "held_by"),
    [
        ({"state": "uploaded"}, set()),
        ({"state": "uploaded", "message": "It broke."}, {"failed"}),
        ({"state": "checked", "message": "It broke."}, {"failed"}),
        ({"state": "applied"}, {"applied", "not_undone"}),
        ({"state": "applied", "message": "It broke."}, {"applied", "not_undone"}),
        ({"state": "applied", "listed": True}, {"applied", "not_undone", "published"}),
        ({"state": "uploaded", "listed": True}, set()),
        ({"kind": "edit", "state": "proposed"}, {"proposed"}),
        ({"kind": "edit", "state": "proposed", "message": "It broke."}, {"proposed"}),
    ],
)
def test_changeset_querysets_by_state(given, held_by):
    made = changeset(**given)
    names = ("published", "applied", "proposed", "failed", "declined", "not_undone")
    found = {
        name for name in names if getattr(Changeset.objects, name)().filter(pk=made.pk).exists()
    }
    assert found == held_by


@pytest.mark.parametrize(("decided_by", "is_told"), [("edi", False), ("rita", True)])
def test_declined_excludes_proposals_cancelled_by_their_author(
    decided_by, is_told, editor, reviewer
):
    made = changeset(
        kind="edit",
        state="declined",
        created_by=editor,
        decided_by=User.objects.get(username=decided_by),
    )
    assert Changeset.objects.declined().filter(pk=made.pk).exists() is is_told


@pytest.mark.parametrize(
    ("state", "seconds", "is_forgotten"),
    [
        ("uploaded", -60, False),
        ("uploaded", 60, True),
        ("applied", 60, False),
    ],
)
def test_expired_contains_unapplied_changesets_after_retention(state, seconds, is_forgotten):
    made = changeset(state=state)
    now = timezone.now()
    created = now - RETENTION - dt.timedelta(seconds=seconds)
    Changeset.objects.filter(pk=made.pk).update(created_at=created)
    assert Changeset.objects.expired(now).filter(pk=made.pk).exists() is is_forgotten


def test_not_undone_excludes_undone_changeset():
    made = changeset(state="applied")
    undo = changeset(kind="undo", state="applied", undoes=made)
    changeset(kind="undo", state="uploaded", undoes=undo)
    marked = dict(Changeset.objects.with_undone().values_list("pk", "is_undone"))
    assert (marked[made.pk], marked[undo.pk]) == (True, False)
    standing = Changeset.objects.not_undone()
    assert (made in standing, undo in standing) == (False, True)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"kind": "undo", "undoes_id": 7}, "Undo of changeset 7"),
        ({"file_name": "pacts.csv", "reason": "Yearly"}, "pacts.csv"),
        ({"reason": "Yearly"}, "Yearly"),
        ({"pk": 7}, "Changeset 7"),
    ],
)
def test_changeset_name_comes_from_undo_file_or_reason(given, name):
    with override("en"):
        assert str(Changeset(**{"kind": "import", **given})) == name


def test_citations_for_display_are_ordered_by_stance_date_key_and_locator():
    alliance = factories.alliance("RUS", "CHN", cited=False)
    early = factories.source(key="b", date_published="2001")
    twin = factories.source(key="c", date_published="2001")
    late = factories.source(key="a", date_published="2002")
    against = factories.cite(alliance, early, stance="disputes")
    last = factories.cite(alliance, late)
    third = factories.cite(alliance, twin)
    second = factories.cite(alliance, early, locator="p. 2")
    first = factories.cite(alliance, early, locator="p. 1")
    assert list(alliance.citations.for_display()) == [first, second, third, last, against]


def test_alliances_are_listed_newest_first_and_undated_last():
    def made(**given):
        return factories.alliance("RUS", "CHN", **given)

    undated, old = made(), made(signed="1990", in_force="2050")
    new, newer = made(in_force="2040"), made(signed="2060")
    listed = Alliance.objects.filter(pk__in=[one.pk for one in (undated, old, new, newer)])
    assert list(listed.newest_first()) == [newer, old, new, undated]


def test_events_are_listed_by_their_last_possible_day_and_open_ones_first():
    spans = ["2050", "2050-06", "2049/..", "2051-01-01", "2050-12-31"]
    events = {date: factories.event(("RUS", "host"), date=date) for date in spans}
    listed = Event.objects.filter(pk__in=[event.pk for event in events.values()])
    ordered = [event.date for event in listed.newest_first()]
    assert ordered == ["2049/..", "2051-01-01", "2050-12-31", "2050", "2050-06"]


def test_sources_are_listed_newest_first_and_undated_last():
    for key, date in (("x1", ""), ("x2", "2050"), ("x3", "2051"), ("x4", "2051")):
        factories.source(key=key, date_published=date)
    listed = Source.objects.filter(key__in=["x1", "x2", "x3", "x4"]).newest_first()
    assert [source.key for source in listed] == ["x3", "x4", "x2", "x1"]


def test_current_and_historic_countries_are_separated():
    gone, there = Country.objects.get(cow_code=300), factories.country("RUS")
    assert gone in Country.objects.historic()
    assert there not in Country.objects.historic()
    assert gone not in Country.objects.current()
    assert there in Country.objects.current()


@pytest.mark.parametrize(
    ("status", "cited", "is_told"),
    [
        (Status.PUBLISHED, True, False),
        (Status.PUBLISHED, False, True),
        (Status.DRAFT, False, False),
        (Status.WITHDRAWN, False, False),
    ],
)
def test_published_but_unsupported_records_are_found(status, cited, is_told):
    records = [
        factories.alliance("RUS", "CHN", status=status, cited=cited),
        factories.event(("RUS", "host"), status=status, cited=cited),
        factories.ally_list("RUS", "CHN", status=status, cited=cited),
    ]
    assert {type(record) for record in records} == set(EVIDENCED_MODELS)
    for record in records:
        assert published_but_unsupported(type(record)).filter(pk=record.pk).exists() is is_told


@pytest.mark.parametrize("model", record_models(), ids=lambda model: model.__name__)
def test_forms_exclude_computed_fields(model):
    assert issubclass(model, Record)
    asked = modelform_factory(model, fields="__all__").base_fields
    derived = {field.name for field in model._meta.fields if isinstance(field, DerivedFieldMixin)}
    assert not derived & set(asked)


def test_record_types_come_after_those_they_point_to():
    order = [model.__name__ for model in record_models()]
    assert len(order) == len(set(order)) == 13
    for first, later in (
        ("Country", "Alias"),
        ("Source", "Citation"),
        ("Alliance", "Membership"),
        ("Alliance", "Event"),
        ("Event", "Participation"),
        ("AllyList", "Entry"),
        ("Entry", "Citation"),
    ):
        assert order.index(first) < order.index(later)


def test_edition_contains_everything_readers_saw(reviewer):
    alliance = factories.alliance("FJI", "TON", signed="1990", title_en="Pact", slug="fiji-pact")
    alliance.memberships.update(defence=True, role="member")
    event = factories.event(("FJI", "host"), ("TON", "visitor"), date="2001", slug="fiji-visit")
    other = factories.ally_list("FJI", "TON", slug="another-list")
    ally_list = factories.ally_list("FJI", "TON", status=Status.DRAFT, promised=1, scope="009")
    ally_list.entries.update(prose_en="Prose.")
    see_also = factories.source()
    ally_list.see_also.create(source=see_also)
    apply_transition(record=ally_list, step="publish", user=reviewer)
    content = Edition.objects.get(ally_list=ally_list.pk).data
    assert content["schema"] == "allies-edition/1"
    listed = content["list"]
    assert (listed["promised"], listed["scope"]["code"], listed["focus"]["code"]) == (
        1,
        "009",
        "FJI",
    )
    assert listed["see_also"] == [see_also.key]
    (entry,) = listed["entries"]
    assert (entry["position"], entry["country"]["code"], entry["prose_en"]) == (1, "TON", "Prose.")
    assert (entry["independent_sources"], entry["disputes"]) == (1, 0)
    (citation,) = entry["citations"]
    assert citation["stance"] == "supports"
    (tie,) = entry["ties"]
    assert (tie["slug"], tie["signed"], tie["kind"]["code"]) == (
        alliance.slug,
        "1990",
        "defence-pact",
    )
    assert [member["country"]["code"] for member in tie["members"]] == ["FJI", "TON"]
    for member in tie["members"]:
        assert [duty["code"] for duty in member["duties"]] == ["defence"]
        assert member["role"]["code"] == "member"
    assert [one["slug"] for one in entry["events"]] == [event.slug]
    assert [one["slug"] for one in entry["also_named"]] == [other.slug]
    assert {source["key"] for source in content["sources"]} >= {citation["source"], see_also.key}


def test_regions_are_grouped_with_their_own_sub_regions():
    groups = {str(name): [code for code, _name in codes] for name, codes in region_choices()}
    assert groups["Oceania"] == ["009", "053", "054", "057", "061"]
    assert sorted(code for codes in groups.values() for code in codes) == sorted(NAMES)


def test_bulk_create_never_updates_editions():
    number = Edition.objects.count()
    assert Edition.objects.bulk_create([]) == []
    with pytest.raises(EditionImmutable):
        Edition.objects.bulk_create([], update_conflicts=True)
    assert Edition.objects.count() == number
