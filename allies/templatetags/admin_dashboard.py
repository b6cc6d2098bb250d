"""Tags of the admin dashboard: what needs the signed-in user's attention."""

from typing import TYPE_CHECKING, Any, TypedDict

from django import template
from django.db.models import Model, QuerySet
from django.template import Context
from django.urls import reverse
from django.utils.translation import gettext as _

from allies.actions.changeset_access import ChangesetAccess
from allies.actions.permissions import AnyUser, has_permission
from allies.editorial.alerts import COUNT_LIMIT, count_alerts, format_count
from allies.models import Changeset, ChangesetState, Correction

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

register = template.Library()


class Line(TypedDict):
    """A line of the dashboard: label, number of records, link to them."""

    label: "StrOrPromise"
    count: str
    url: str


@register.simple_tag(takes_context=True)
def dashboard_alerts(context: Context) -> list[Line]:
    """Return the lines of the dashboard that have records and that the user may see."""
    user = context["request"].user
    lines = [*_proposals(user), *_corrections(user), *_own_changesets(user)]
    for finding in count_alerts(
        user, lambda right, model: has_permission(user=user, action=right, record=model)
    ):
        name = f"admin:allies_{finding.model._meta.model_name}_changelist"
        lines.append(
            {
                "label": finding.label,
                "count": format_count(finding.count),
                "url": f"{reverse(name)}?attention={finding.alert.key}",
            }
        )
    return lines


@register.filter
def may_view(user: AnyUser, changeset: Changeset | None) -> bool:
    """Return whether the user may open a changeset; no query once permissions are loaded."""
    return changeset is not None and ChangesetAccess(user).allows(changeset)


def _dashboard_line(
    label: "StrOrPromise", records: QuerySet[Model], view: str, query: str
) -> list[Line]:
    count = records.order_by()[: COUNT_LIMIT + 1].count()
    address = f"{reverse(f'admin:allies_{view}_changelist')}?{query}"
    return [{"label": label, "count": format_count(count), "url": address}] if count else []


def _corrections(user: AnyUser) -> list[Line]:
    if not has_permission(user=user, action="view", record=Correction):
        return []
    waiting = Correction.objects.waiting()
    return _dashboard_line(
        _("Corrections from readers"), waiting, "correction", "outcome__exact=waiting"
    )


def _proposals(user: AnyUser) -> list[Line]:
    waiting = Changeset.objects.proposed().filter(ChangesetAccess(user).condition())
    query = f"state__exact={ChangesetState.PROPOSED}"
    return _dashboard_line(_("Open proposals"), waiting, "changeset", query)


def _own_changesets(user: Any) -> list[Line]:
    own = Changeset.objects.filter(created_by=user)
    return [
        *_dashboard_line(_("My failed imports"), own.failed(), "changeset", "attention=failed"),
        *_dashboard_line(
            _("My declined proposals"), own.declined(), "changeset", "attention=declined"
        ),
    ]
