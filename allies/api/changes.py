"""The operation that lists records added, changed or withdrawn since a cursor."""

import datetime as dt
from typing import Annotated, Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field

from allies.api.responses import ERRORS, InvalidQuery
from allies.history.change_feed import BadCursor, get_changes_since

ADDRESS = "/changes"

#: Default and maximum number of changes per response.
PER_PAGE, MOST = 100, 1000

#: Model name → collection of its records in this API.
_ADDRESSES = {
    "alliance": "alliances",
    "allylist": "ally-lists",
    "country": "countries",
    "event": "events",
    "source": "sources",
}


class Change(Schema):
    """A record was added, changed or withdrawn. Fetch it again, or delete your copy."""

    noun: Literal["alliance", "allylist", "country", "event", "source"]
    key: str = Field(description="The slug; for a source, the citation key.")
    what: Literal["added", "changed", "withdrawn"]
    moment: dt.datetime = Field(description="When it was last changed.")
    record: str = Field(description="The address in this API.")
    url: str = Field(description="The address of the page.")


class Changes(Schema):
    items: list[Change] = Field(description="Oldest first; each record appears once.")
    next_cursor: str = Field(
        description="The cursor for the next request; unchanged if there is nothing new."
    )


class ChangesQuery(Schema):
    cursor: Annotated[str, Field(max_length=400, pattern=r"^[A-Za-z0-9_=-]*$")] = Field(
        "",
        description="The `next_cursor` of the previous response. Leave it out to "
        "start from the beginning.",
    )
    limit: int = Field(PER_PAGE, ge=1, le=MOST, description="Number of changes per response.")
    lang: Literal["en", "id"] = Field("en", description="The language of error messages.")


def add_changes_operation(router: Router) -> None:
    """Add the operation with which clients keep a copy up to date."""
    router.add_api_operation(
        ADDRESS,
        ["GET"],
        _changes,
        response={200: Changes, **ERRORS},
        operation_id="listChanges",
        summary="Records added, changed or withdrawn since a cursor",
        url_name="list-changes",
    )


def _changes(request: HttpRequest, query: Query[ChangesQuery]) -> dict[str, object]:
    if unknown := [name for name in request.GET if name not in ChangesQuery.model_fields]:
        errors = {name: [_("This filter does not exist here.")] for name in unknown}
        raise InvalidQuery(errors, accepted=list(ChangesQuery.model_fields))
    try:
        found, cursor = get_changes_since(query.cursor, query.limit)
    except BadCursor as error:
        said = _("Unknown cursor. Leave it out to start from the beginning.")
        raise InvalidQuery({"cursor": [said]}, status=404) from error
    return {
        "items": [
            {
                "noun": one.noun,
                "key": one.key,
                "what": one.what,
                "moment": one.moment,
                "record": request.build_absolute_uri(f"/api/v1/{_ADDRESSES[one.noun]}/{one.key}"),
                "url": request.build_absolute_uri(one.url),
            }
            for one in found
        ],
        "next_cursor": cursor,
    }
