"""Publication steps: from which status each is allowed, and with which permission."""

from itertools import product

import pytest
from django.core.exceptions import PermissionDenied

from allies.actions.publication import (
    TRANSITIONS,
    NotPublishableError,
    WrongStatusError,
    apply_transition,
    available_transitions,
)
from allies.models import Alliance, Status
from tests import factories

pytestmark = pytest.mark.usefixtures("demo_data")

#: (step, status before) → status after; any other pair is refused.
LEADS_TO = {
    ("submit", "draft"): "in-review",
    ("publish", "draft"): "published",
    ("publish", "in-review"): "published",
    ("publish", "withdrawn"): "published",
    ("withdraw", "published"): "withdrawn",
    ("reopen", "in-review"): "draft",
    ("reopen", "withdrawn"): "draft",
}
MAY = {
    "editor": {"submit", "reopen"},
    "reviewer": {"submit", "publish", "withdraw", "reopen"},
    "data_manager": set(),
}


@pytest.fixture
def user(role, request):
    return request.getfixturevalue(role)


def stored(record):
    return Alliance.objects.get(pk=record.pk).status


@pytest.mark.parametrize(("step", "status"), [*product(TRANSITIONS, Status.values)])
def test_step_is_allowed_only_from_its_statuses(step, status, reviewer):
    record = factories.alliance("RUS", "CHN", status=status)
    if end := LEADS_TO.get((step, status)):
        apply_transition(record=record, step=step, user=reviewer, reason="because")
        assert (record.status, stored(record)) == (end, end)
        version = record.history.first()
        assert (version.history_user, version.history_change_reason) == (reviewer, "because")
    else:
        with pytest.raises(WrongStatusError) as refused:
            apply_transition(record=record, step=step, user=reviewer)
        assert str(record) in str(refused.value)
        assert str(Status(status).label) in str(refused.value)
        assert (record.status, stored(record)) == (status, status)


@pytest.mark.parametrize("role", [*MAY])
@pytest.mark.parametrize(("step", "status"), [*LEADS_TO])
def test_step_requires_its_permission(step, status, role, user):
    record = factories.alliance("RUS", "CHN", status=status)
    if step in MAY[role]:
        apply_transition(record=record, step=step, user=user)
        assert stored(record) == LEADS_TO[step, status]
    else:
        with pytest.raises(PermissionDenied):
            apply_transition(record=record, step=step, user=user)
        assert stored(record) == status


@pytest.mark.parametrize("role", [*MAY])
@pytest.mark.parametrize("status", Status.values)
def test_available_transitions_depend_on_status_and_permission(status, role, user):
    record = factories.alliance("RUS", "CHN", status=status)
    expected = {step for step, start in LEADS_TO if start == status} & MAY[role]
    assert set(available_transitions(record=record, user=user)) == expected


def test_step_checks_current_status_in_database(reviewer):
    record = factories.alliance("RUS", "CHN", status="draft")
    Alliance.objects.filter(pk=record.pk).update(status="published")
    with pytest.raises(WrongStatusError):
        apply_transition(record=record, step="submit", user=reviewer)
    assert stored(record) == "published"


@pytest.mark.parametrize("members", [0, 1, 2, 3])
def test_alliance_publication_requires_two_members(members, reviewer):
    record = factories.alliance(*("RUS", "CHN", "IND")[:members], status="draft")
    if members >= 2:
        apply_transition(record=record, step="publish", user=reviewer)
    else:
        with pytest.raises(NotPublishableError) as refused:
            apply_transition(record=record, step="publish", user=reviewer)
        assert [lack.where for lack in refused.value.missing] == ["memberships"]
    assert stored(record) == ("published" if members >= 2 else "draft")


def test_incomplete_record_can_be_submitted_but_not_published(reviewer):
    record = factories.alliance(status="draft", cited=False, title_en="", title_ind="")
    apply_transition(record=record, step="submit", user=reviewer)
    with pytest.raises(NotPublishableError) as refused:
        apply_transition(record=record, step="publish", user=reviewer)
    where = {lack.where for lack in refused.value.missing}
    assert where == {"citations", "title_en", "memberships"}
    assert stored(record) == "in-review"


def test_warning_does_not_prevent_publication(reviewer):
    hidden = factories.source(status="draft")
    record = factories.alliance("RUS", "CHN", status="draft", summary_en=f"Said. [@{hidden.key}]")
    missing = record.publication_issues()
    assert [lack.is_warning for lack in missing] == [True]
    assert hidden.key in missing[0]
    apply_transition(record=record, step="publish", user=reviewer)
    assert stored(record) == "published"


def test_only_publishing_a_list_creates_edition(reviewer):
    ally_list = factories.ally_list("RUS", "CHN", status="draft")
    for step, editions in (("submit", 0), ("publish", 1), ("withdraw", 1), ("reopen", 1)):
        apply_transition(record=ally_list, step=step, user=reviewer)
        assert [edition.note for edition in ally_list.editions.all()] == [""] * editions
