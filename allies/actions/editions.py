"""Creating editions of published lists, and retracting them."""

import datetime as dt
from contextlib import suppress
from itertools import chain, count
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Exists, Max, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from allies.actions.permissions import AnyUser, has_permission
from allies.editions.content import SCHEMA, build_edition_content
from allies.history.public_rule import versions_that_published
from allies.models import AllyList, Changeset, Edition, canonical_json, sha256_hex


class NothingNewError(Exception):
    """The list is the same as its last edition, so there is nothing to create."""

    def __init__(self, last: Edition) -> None:
        super().__init__(last)
        self.last = last


def can_make_edition(*, user: AnyUser, ally_list: Any) -> bool:
    """Return whether the user may create editions of the list and retract them."""
    return has_permission(user=user, action="publish", record=ally_list)


def create_edition(*, ally_list: AllyList, user: AnyUser, note: str = "") -> Edition:
    """Create the next edition of a published list; ``note`` tells readers why.

    Raises PermissionDenied without the permission to publish the list, ValidationError if the list
    is not public, NothingNewError if nothing has changed since its last edition.
    """
    if not can_make_edition(user=user, ally_list=ally_list):
        raise PermissionDenied
    return _create(ally_list.pk, user_id=user.pk, note=note.strip()[:1000])


def create_edition_if_new(*, ally_list: AllyList, user: AnyUser) -> Edition | None:
    """Create an edition of a list that was just published; None if nothing has changed."""
    try:
        return create_edition(ally_list=ally_list, user=user)
    except NothingNewError:
        return None


def create_missing_editions() -> list[Edition]:
    """Create an edition of each published list that has none; one query if all have one."""
    return _create_missing(user_id=None)


def create_editions_after(changeset: Changeset) -> None:
    """Create editions of the lists that a changeset published: an import, a package or an undo."""
    _create_missing(user_id=changeset.created_by_id)
    published = versions_that_published(AllyList, changeset).values("id")
    lists = AllyList.objects.published().filter(pk__in=published).order_by("pk")
    for pk in lists.values_list("pk", flat=True):
        with suppress(NothingNewError):
            _create(pk, user_id=changeset.created_by_id)


def _create_missing(*, user_id: int | None) -> list[Edition]:
    editions = Edition.objects.filter(ally_list=OuterRef("pk"))
    lists = AllyList.objects.published().exclude(Exists(editions)).order_by("pk")
    return [_create(pk, user_id=user_id) for pk in lists.values_list("pk", flat=True)]


def unpublished_edition_changes(
    ally_list: AllyList, *, on: dt.date
) -> tuple[Edition | None, dict[str, object]]:
    """Return the last edition of a list, and the list's content on a day, or {} if it is the same.

    The edition is None if the list has none.
    """
    content = build_edition_content(ally_list, on=on)
    last = Edition.objects.filter(ally_list=ally_list.pk).order_by("-number").first()
    if last is not None and {part: last.data.get(part) for part in content} == content:
        return last, {}
    return last, content


@transaction.atomic
def _create(pk: int, *, user_id: int | None, note: str = "") -> Edition:
    # The lock prevents two editions of a list with the same number.
    locked = AllyList.objects.select_for_update(of=("self",)).filter(pk=pk)
    if not locked.exists():
        raise ValidationError(_("This list no longer exists."))
    ally_list = AllyList.objects.published().select_related("focus", "recorded_from").filter(pk=pk)
    if (found := ally_list.first()) is None:
        raise ValidationError(_("This list is not public. Publish it first."))
    now = timezone.now()
    today = timezone.localdate(now)
    last, content = unpublished_edition_changes(found, on=today)
    if last is not None and not content:
        raise NothingNewError(last)
    earlier = Edition.objects.filter(ally_list=pk)
    number = (earlier.aggregate(last=Max("number"))["last"] or 0) + 1
    key = _free_key(found, number)
    text = canonical_json(
        {
            **content,
            "edition": {
                "key": key,
                "number": number,
                "made_at": now.isoformat(timespec="seconds"),
                "ties_on": today.isoformat(),
                "note": note,
                "site": settings.SITE_NAME,
                "licence": settings.DATA_LICENCE,
            },
            "schema": SCHEMA,
        }
    )
    return Edition.objects.create(
        ally_list=found,
        number=number,
        key=key,
        slug=found.slug,
        content=text,
        sha256=sha256_hex(text),
        note=note,
        made_at=now,
        made_by_id=user_id,
    )


def _free_key(ally_list: AllyList, number: int) -> str:
    """Return a free key for the edition's address; another list may have had this slug before."""
    wanted = f"{ally_list.slug}-{number}"
    candidates = chain([wanted], (f"{wanted}-{n}" for n in count(2)))
    return next(key for key in candidates if not Edition.objects.filter(key=key).exists())


@transaction.atomic
def retract_edition(*, edition: Edition, user: AnyUser, reason: str) -> None:
    """Hide the content of an edition from readers, with a reason that they can read.

    Its address still works and shows the number, the hash and the reason. Raises PermissionDenied
    without the permission to publish lists, ValidationError without a reason or if the edition is
    already retracted.
    """
    if not can_make_edition(user=user, ally_list=AllyList):
        raise PermissionDenied
    reason = reason.strip()[:1000]
    if not reason:
        raise ValidationError(_("Give a reason. Readers will see it."))
    fresh = Edition.objects.select_for_update(of=("self",)).get(pk=edition.pk)
    if fresh.is_retracted:
        raise ValidationError(_("This edition has already been retracted."))
    fresh.compare_and_set(retracted_at=timezone.now(), retracted_by=user.pk, retraction=reason)
