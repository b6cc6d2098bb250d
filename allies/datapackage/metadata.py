"""What our data say of themselves wherever they go out: columns, licence, the last change."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Max
from django.utils.functional import lazy
from django.utils.text import format_lazy, slugify
from django.utils.translation import gettext_lazy as _

from allies.datapackage import Field, PackageDescription
from allies.datapackage.describe import Words
from allies.models import Country, Publishable, record_models
from allies.models.fields import EDTFField

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: How a date is written where it may be imprecise.
EDTF_NOTE = _("A date as precise as it is known, like 2024-06-19, 2024-05 or 2023 (EDTF).")


def localized_callable(say: Callable[..., str]) -> "Callable[..., StrOrPromise]":
    """Make a function return a text that is said anew in whichever language is active."""
    return lazy(say, str)


def describe_column(field: Any, *, name: str = "", note: Words = "", **given: Any) -> Field:
    """Describe a column that holds a model's field, in the words of the model.

    ``note`` says how its cells are written, ``given`` is what else a ``Field`` has.
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
    """Return what a table schema calls the type of a model's field."""
    if isinstance(field, models.IntegerField):
        return "integer"
    if isinstance(field, models.BooleanField):
        return "boolean"
    return "date" if isinstance(field, models.DateField) else "string"


def last_change_time() -> dt.datetime | None:
    """Return when one of the records there are last changed; None where there is none.

    Not when something was last done: what was taken in and back again has left no trace here.
    Costs a query a noun.
    """
    newest = (
        model._default_manager.aggregate(newest=Max("updated_at"))["newest"]
        for model in record_models()
    )
    return max((moment for moment in newest if moment), default=None)


def last_public_change_time() -> dt.datetime | None:
    """Return when a record that readers see last changed: drafts are nobody's business.

    Costs a query a noun that is published on its own.
    """
    nouns: list[Any] = [Country, *(m for m in record_models() if issubclass(m, Publishable))]
    newest = (m.objects.published().aggregate(newest=Max("updated_at"))["newest"] for m in nouns)
    return max((moment for moment in newest if moment), default=None)


def describe_package(
    title: Words,
    *,
    changed: dt.datetime | None,
    name: str = "",
    url: str = "",
    filters: Sequence[tuple[Words, Words]] = (),
) -> PackageDescription:
    """Describe a package of this site's data as they are now; ``changed`` is when last."""
    site = slugify(settings.SITE_NAME) or "allies"
    return PackageDescription(
        name=f"{site}-{name}" if name else site,
        title=format_lazy("{}: {}", settings.SITE_NAME, title),
        licence=settings.DATA_LICENCE,
        changed=changed,
        url=url,
        filters=filters,
    )
