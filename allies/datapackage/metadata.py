"""Metadata for all exports of our data: columns, licence, time of the last change."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Max
from django.utils.functional import lazy
from django.utils.text import format_lazy, slugify
from django.utils.translation import gettext_lazy as _

from allies.datapackage import DataSource, Field, PackageDescription
from allies.datapackage.describe import Words
from allies.models import Country, Publishable, Source, record_models
from allies.models.fields import EDTFField

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: The format of dates that may be imprecise.
EDTF_NOTE = _("A date as precise as it is known, like 2024-06-19, 2024-05 or 2023 (EDTF).")


def localized_callable(say: Callable[..., str]) -> "Callable[..., StrOrPromise]":
    """Wrap a function so that its text is evaluated lazily, in the active language."""
    return lazy(say, str)


def describe_column(field: Any, *, name: str = "", note: Words = "", **given: Any) -> Field:
    """Describe the column of a model's field, with the field's name and help text.

    ``note`` describes the format of the cells; ``given`` are further arguments of ``Field``.
    """
    if isinstance(field, EDTFField):
        note = EDTF_NOTE
    if field.help_text and note:
        note = format_lazy("{} {}", field.help_text, note)
    return Field(
        name=name or field.name,
        title=field.verbose_name,
        description=note or field.help_text,
        **given,
    )


def schema_type(field: "models.Field[object, object]") -> str:
    """Return the table schema's type for a model's field."""
    if isinstance(field, models.IntegerField):
        return "integer"
    if isinstance(field, models.BooleanField):
        return "boolean"
    return "date" if isinstance(field, models.DateField) else "string"


def last_change_time() -> dt.datetime | None:
    """Return the time of the last change among existing records; None if there are none.

    Deleted records do not count: an import that was undone leaves no trace here. Costs one query
    per model.
    """
    newest = (
        model._default_manager.aggregate(newest=Max("updated_at"))["newest"]
        for model in record_models()
    )
    return max((moment for moment in newest if moment), default=None)


def last_public_change_time() -> dt.datetime | None:
    """Return the time of the last change among public records; None if there are none.

    Drafts are not public, so their changes must not show. Costs one query per model that has a
    status, and one for countries.
    """
    nouns: list[Any] = [Country, *(m for m in record_models() if issubclass(m, Publishable))]
    newest = (m.objects.published().aggregate(newest=Max("updated_at"))["newest"] for m in nouns)
    return max((moment for moment in newest if moment), default=None)


def describe_source(source: Source) -> DataSource:
    """Describe a source for exports; no query if ``origin`` was fetched with it."""
    return DataSource(
        key=source.key,
        title=source.title,
        publisher=source.publisher,
        authors=tuple(source.authors),
        url=source.url,
        doi=source.doi,
        licence=source.licence,
        redistribution=False if source.is_withheld else source.redistribution,
    )


def describe_package(
    title: Words,
    *,
    changed: dt.datetime | None,
    name: str = "",
    url: str = "",
    filters: Sequence[tuple[Words, Words]] = (),
) -> PackageDescription:
    """Describe a package of this site's data; ``changed`` is the time of the last change."""
    site = slugify(settings.SITE_NAME) or "allies"
    return PackageDescription(
        name=f"{site}-{name}" if name else site,
        title=format_lazy("{}: {}", settings.SITE_NAME, title),
        licence=settings.DATA_LICENCE,
        changed=changed,
        url=url,
        filters=filters,
    )
