"""Operations for the rows of a listing: filter, queryset and columns of its page, as JSON.

Pagination is by id (keyset), so records added or withdrawn between requests neither repeat a row
nor skip one. If the order matters, as in a search, pagination is by offset.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import django_filters
from django import forms
from django.db.models import Model, QuerySet
from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema
from pydantic import Field, WithJsonSchema, create_model

from allies.api.responses import DAY_SCHEMA, ERRORS, InvalidQuery
from allies.filters import PublicFilterSet
from allies.views.download_columns import DownloadColumn
from allies.views.listing import Listing

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: Default and maximum number of rows per page.
PER_PAGE, MOST = 100, 500

#: Cursors are ids in base 36; twelve digits fit into a 64-bit integer.
_CURSOR = r"^[0-9a-z]{1,12}$"
_MAX_OFFSET = 36**12
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

#: Pattern of a text: databases refuse the character NUL.
_TEXT = r"^[^\x00]*$"

#: Type of a text that may be null.
_OR_NULL: Any = str | None

#: Parameters that every collection has besides its filters.
PAGING = ("cursor", "limit", "lang")


def cursor_of(number: int) -> str:
    """Return the cursor of the page after the record with this id.

    >>> cursor_of(36)
    '10'
    """
    digits = ""
    while True:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
        if not number:
            return digits


def keyset_page(
    view: Listing, queryset: QuerySet[Model], after: int, limit: int
) -> tuple[Any, int | None]:
    """Return the rows of a page, and the id after which the next page begins, if any."""
    ids = queryset.order_by("pk").filter(pk__gt=after).values_list("pk", flat=True)
    found = list(ids[: limit + 1])
    shown = found[:limit]
    page = queryset.filter(pk__in=shown).order_by("pk") if shown else queryset.none()
    return view.rows(page), shown[-1] if len(found) > limit else None


def keyset_page_single(
    view: Listing, queryset: QuerySet[Model], after: int, limit: int
) -> tuple[Any, int | None]:
    """Do the same as ``keyset_page`` with one query less, for rows of a single table."""
    found = list(
        view.prefetch_for_download(queryset.order_by("pk").filter(pk__gt=after))[: limit + 1]
    )
    return found[:limit], found[limit - 1].pk if len(found) > limit else None


def offset_page(
    view: Listing, queryset: QuerySet[Model], after: int, limit: int
) -> tuple[Any, int | None]:
    """Do the same as ``keyset_page`` by offset, in the order of the queryset."""
    found = list(view.rows(queryset[after : after + limit + 1]))
    return found[:limit], after + limit if len(found) > limit else None


def single_page(
    view: Listing, queryset: QuerySet[Model], after: int, limit: int
) -> tuple[Any, int | None]:
    """Return all rows on one page, for the few rows that are counts over records."""
    return view.rows(queryset), None


Paging = Callable[[Listing, Any, int, int], tuple[Any, int | None]]


def add_collection(
    router: Router,
    path: str,
    listing: type[Listing],
    *,
    name: str,
    summary: "StrOrPromise",
    paging: Paging = keyset_page,
) -> None:
    """Add the operation that returns a listing's rows.

    The path of a listing about one record has ``{slug}``, about two ``{first}`` and ``{second}``.
    """
    row = row_schema(name, listing.columns)
    page: Any = create_model(
        f"{name}Page",
        __base__=Schema,
        items=(list[row], Field(description="The rows.")),  # type: ignore[valid-type]
        next_cursor=(
            _OR_NULL,
            Field(description="The cursor of the next page; null on the last page."),
        ),
        next=(_OR_NULL, Field(description="The address of the next page; null on the last page.")),
        left_out=(
            int,
            Field(
                description="Rows of all pages that are left out, because they rest only on data "
                "sets whose rows may not be passed on."
            ),
        ),
    )
    asked: Any = create_model(f"{name}Query", __base__=Schema, **_parameters(listing))

    def about_all(request: HttpRequest, query: Query[asked]) -> Any:
        return _page(listing, paging, request, query)

    def about_one(request: HttpRequest, slug: str, query: Query[asked]) -> Any:
        return _page(listing, paging, request, query, slug=slug)

    def about_two(request: HttpRequest, first: str, second: str, query: Query[asked]) -> Any:
        return _page(listing, paging, request, query, first=first, second=second)

    views: tuple[Callable[..., Any], ...] = (about_all, about_one, about_two)
    view = views[path.count("{")]
    router.add_api_operation(
        path,
        ["GET"],
        view,
        response={200: page, **ERRORS},
        operation_id=f"list{name}",
        summary=str(summary),
        url_name=f"list-{name}",
    )


def row_schema(name: str, columns: tuple[DownloadColumn, ...]) -> type[Schema]:
    """Return the schema of a listing's rows."""
    return create_model(
        f"{name}Row", __base__=Schema, **{column.name: _field(column) for column in columns}
    )


def _field(column: DownloadColumn) -> Any:
    about = Field(description=str(column.note or column.title or column.name))
    if column.many:
        return (list[int] if column.type == "integer" else list[str], about)
    types = {"integer": int | None, "number": float | None, "boolean": bool | None}
    return (types.get(column.type, str), about)


def _parameters(listing: type[Listing]) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: (Annotated[str, _schema_of(one)], Field("", description=_localized_label(one)))
        for name, one in listing.filterset_class.base_filters.items()
    }
    found["cursor"] = (
        str,
        Field("", pattern=_CURSOR, description="The `next_cursor` of the previous page."),
    )
    found["limit"] = (int, Field(PER_PAGE, ge=1, le=MOST, description="Number of rows per page."))
    found["lang"] = (
        Literal["en", "id"],
        Field("en", description="The language of error messages."),
    )
    return found


def _schema_of(one: django_filters.Filter) -> WithJsonSchema:
    """Return the JSON schema of a filter's values, for the API description only.

    The filter itself validates them. An empty value means no filter, as in the page's form.
    """
    if isinstance(one, django_filters.ChoiceFilter):
        schema: dict[str, Any] = {"type": "string", "enum": ["", *_values(one.field.choices)]}
    elif issubclass(one.field_class, forms.DateField):
        schema = {"type": "string", **DAY_SCHEMA}
    elif issubclass(one.field_class, forms.IntegerField):
        limits = {"minimum": one.extra["min_value"], "maximum": one.extra["max_value"]}
        schema = {"anyOf": [{"type": "integer", **limits}, {"type": "string", "maxLength": 0}]}
    elif longest := one.extra.get("max_length"):
        schema = {"type": "string", "maxLength": longest, "pattern": _TEXT}
    else:
        schema = {"type": "string"}
    return WithJsonSchema(schema)


def _values(choices: Any) -> list[str]:
    """Return the values of a field's choices, including those in groups."""
    found: list[str] = []
    for value, label in choices:
        if isinstance(label, list | tuple):
            found += _values(label)
        elif value:
            found.append(str(value))
    return found


def _localized_label(one: django_filters.Filter) -> str:
    return ". ".join(str(said) for said in (one.label, one.extra.get("help_text")) if said)


def _page(
    listing: type[Listing], paging: Paging, request: HttpRequest, query: Any, **kwargs: object
) -> JsonResponse:
    view = listing(request=request, kwargs=kwargs, args=())
    view.prepare(**kwargs)
    filterset = view.filterset()
    _refuse(filterset)
    after = int(query.cursor, 36) if query.cursor else 0
    passed_on = view.passed_on(filterset)
    rows, last = paging(view, passed_on.queryset, min(after, _MAX_OFFSET), query.limit)
    cursor = None if last is None else cursor_of(last)
    names = [column.name for column in listing.columns]
    # A plain JsonResponse skips validation against the schema, which is built from the same
    # columns: validating a row would take as long as fetching it.
    return JsonResponse(
        {
            "items": [dict(zip(names, values, strict=True)) for values in view.values(rows)],
            "next_cursor": cursor,
            "next": _next(request, cursor) if cursor else None,
            "left_out": passed_on.left_out,
        },
        content_type="application/json; charset=utf-8",
    )


def _refuse(filterset: PublicFilterSet) -> None:
    """Raise InvalidQuery if the filter is not valid.

    The status is 404 if a value names no record, and 409 if it names several or if a filter needs
    another one. All other errors give 422.
    """
    accepted = [*filterset.filters, *PAGING]
    unknown = [name for name in filterset.unknown_parameters if name not in PAGING]
    errors = {name: [_("This filter does not exist here.")] for name in unknown}
    if filterset.is_valid() and not errors:
        return
    said = filterset.errors
    codes = {error.code for errors in said.as_data().values() for error in errors}
    errors |= {name: list(texts) for name, texts in said.items()}
    status = 422
    if not unknown and codes == {"unknown"}:
        status = 404
    elif not unknown and codes <= {"unknown", "ambiguous", "incomplete"}:
        status = 409
    raise InvalidQuery(errors, accepted=accepted, status=status)


def _next(request: HttpRequest, cursor: str) -> str:
    query = request.GET.copy()
    query["cursor"] = cursor
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def operation_name(title: str) -> str:
    """Return a path in CamelCase, for operation ids: "ally-lists" → "AllyLists"."""
    return "".join(word.capitalize() for word in re.split(r"[^a-z]+", title))
