"""Fields that keep one fact in the forms it is stored, sorted and searched by."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, URLValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from allies import edtf
from allies.folding import fold


class EDTFField(models.CharField):
    """A date as precise as what is known, in EDTF; pair it with EarliestDay and LatestDay."""

    description = _("Date as precise as what is known (EDTF)")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 40)
        kwargs.setdefault("blank", True)
        kwargs.setdefault("default", "")
        super().__init__(*args, **kwargs)

    def to_python(self, value: Any) -> str:
        """Return the EDTF text of what was typed; raise ValidationError with examples."""
        text = str(value or "").strip()
        try:
            return edtf.read(text) if text else ""
        except edtf.UnreadableDate as error:
            raise ValidationError(
                _(
                    "“%(value)s” is not a date that can be read in one way only. "
                    "Write it like one of these: %(examples)s, or “19 June 2024”, “May 2024”."
                ),
                code="unreadable_date",
                params={"value": text, "examples": edtf.EXAMPLES},
            ) from error

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        """Store the EDTF form also where a record is written without a form's cleaning."""
        value = self.to_python(getattr(model_instance, self.attname))
        setattr(model_instance, self.attname, value)
        return value


class ProseField(models.TextField):
    """A long text with a longest length, which holds for files as for forms."""

    def __init__(self, verbose_name: Any = None, *, max_length: int, **kwargs: Any) -> None:
        super().__init__(verbose_name, max_length=max_length, **kwargs)
        self.validators.append(MaxLengthValidator(max_length))


class WebField(models.URLField):
    """An address on the web: http or https, and nothing a browser would run."""

    default_validators = [URLValidator(schemes=["http", "https"])]

    def formfield(self, *args: Any, **kwargs: Any) -> Any:
        return super().formfield(*args, **{"assume_scheme": "https", **kwargs})


class DerivedField:
    """Marks a field computed from the fields named in ``of`` whenever its record is written."""

    of: tuple[str, ...]


class _BoundField(DerivedField, models.DateField):
    """One side of an EDTF field's bounds."""

    side: str

    def __init__(self, of: str, **kwargs: Any) -> None:
        self.of = (of,)
        kwargs.update(null=True, blank=True, editable=False)
        super().__init__(**kwargs)

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        for implied in ("null", "blank", "editable"):
            kwargs.pop(implied, None)
        return name, path, [*self.of, *args], kwargs

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        # The EDTF field stands before its bounds, so its own pre_save has tidied the text.
        day = getattr(edtf.bounds(getattr(model_instance, self.of[0])), self.side)
        setattr(model_instance, self.attname, day)
        return day


class EarliestDay(_BoundField):
    """First day the named EDTF field may mean; NULL where it is unknown or open."""

    side = "earliest"


class LatestDay(_BoundField):
    """Last day the named EDTF field may mean; NULL where it is unknown or open."""

    side = "latest"


class FoldedField(DerivedField, models.TextField):
    """The named text fields, folded and parted by ``|``: what a search without accents looks in."""

    def __init__(self, *of: str, **kwargs: Any) -> None:
        self.of = of
        kwargs.update(blank=True, default="", editable=False)
        super().__init__(**kwargs)

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        for implied in ("blank", "default", "editable"):
            kwargs.pop(implied, None)
        return name, path, [*self.of, *args], kwargs

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        folded = [fold(getattr(model_instance, name)) for name in self.of]
        value = "|".join(dict.fromkeys(text for text in folded if text))
        setattr(model_instance, self.attname, value)
        return value
