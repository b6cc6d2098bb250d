"""Fields that keep one fact in the forms it is stored, sorted and searched by."""

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, URLValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from allies.text import edtf
from allies.text.markdown import cited_keys
from allies.text.normalize import normalize_text, title_key
from allies.text.urls import normalize_url, url_key

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class EDTFField(models.CharField):
    """A date as precise as what is known, in EDTF; pair it with EarliestDay and LatestDay."""

    description = _("Date, as precise as it is known (EDTF)")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 40)
        kwargs.setdefault("blank", True)
        kwargs.setdefault("default", "")
        super().__init__(*args, **kwargs)

    def to_python(self, value: object) -> str:
        """Return the EDTF text of what was typed; raise ValidationError with examples."""
        text = str(value or "").strip()
        try:
            return edtf.parse_date(text) if text else ""
        except edtf.UnreadableDate as error:
            raise ValidationError(
                _(
                    "“%(value)s” is not a clear date. Write it like one of these: "
                    "%(examples)s, or “19 June 2024”, “May 2024”."
                ),
                code="unreadable_date",
                params={"value": text, "examples": edtf.EXAMPLES},
            ) from error

    def formfield(self, *args: Any, **kwargs: Any) -> forms.Field | None:
        """Return a form field that reads the date itself, so that no record is given another text.

        A form goes on to work with its record when a field has an error.
        """
        kwargs.setdefault("form_class", EDTFFormField)
        found = super().formfield(*args, **kwargs)
        if isinstance(found, EDTFFormField):
            found.read = self.to_python
        return found

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        """Store the EDTF form also where a record is written without a form's cleaning."""
        value = self.to_python(getattr(model_instance, self.attname))
        setattr(model_instance, self.attname, value)
        return value


class EDTFFormField(forms.CharField):
    """A form's date as precise as what is known; its value is the EDTF text."""

    #: Returns the EDTF text of what was typed; raises ValidationError.
    read: Callable[[Any], str]

    def to_python(self, value: object) -> str:
        return self.read(super().to_python(value))


class NormalizedNewlinesField(forms.CharField):
    """A form's text of several lines, with ``\n`` between them whatever the browser sent.

    Browsers send ``\r\n``, and count it as one letter; it would show as a change where there is
    none.
    """

    def to_python(self, value: object) -> str | None:
        text = super().to_python(value)
        return text.replace("\r\n", "\n") if isinstance(text, str) else text


class ProseField(models.TextField):
    """A long text with a longest length, which holds for files as for forms.

    Its marks (``[@key]``) cite sources there are, except where it is ``verbatim``: somebody
    else's words, shown as they stand.
    """

    def __init__(
        self,
        verbose_name: "StrOrPromise | None" = None,
        *,
        max_length: int,
        verbatim: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(verbose_name, max_length=max_length, **kwargs)
        self.verbatim = verbatim
        self.validators.append(MaxLengthValidator(max_length))

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        """Refuse marks of sources there are not; costs a query where there are marks.

        A text that is no record's yet comes from a file, whose own sources count too: an import
        asks for the keys of many rows at once.
        """
        super().validate(value, model_instance)
        if model_instance is None or self.verbatim or not (keys := cited_keys(value or "")):
            return
        sources = apps.get_model("allies", "Source").objects
        if unknown := keys - sources.known_keys(keys):
            raise self.unknown_citation_keys(unknown)

    def formfield(self, *args: Any, **kwargs: Any) -> forms.Field | None:
        if not self.verbatim and not self.help_text:
            help_text = _("Markdown. Cite a source by its key: [@key] or [@key, p. 4].")
            kwargs.setdefault("help_text", help_text)
        kwargs.setdefault("form_class", NormalizedNewlinesField)
        return super().formfield(*args, **kwargs)

    def unknown_citation_keys(self, keys: Collection[str]) -> ValidationError:
        """Return the error of a text that cites sources there are not."""
        return ValidationError(
            _("“%(field)s” cites sources that do not exist: %(keys)s."),
            code="unknown_marks",
            params={"field": self.verbose_name, "keys": ", ".join(sorted(keys))},
        )


def prose_fields(model: models.Model | type[models.Model]) -> list[ProseField]:
    """Return the fields of a model whose texts may cite sources."""
    return [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, ProseField) and not field.verbatim
    ]


class NormalizedURLField(models.URLField):
    """An address on the web: http or https, and nothing a browser would run.

    It is stored without what does not change where it leads (``address.normalize_url``).
    """

    default_validators = [URLValidator(schemes=["http", "https"])]

    def to_python(self, value: object) -> object:
        text = super().to_python(value)
        return normalize_url(text) if text else text

    def pre_save(self, model_instance: models.Model, add: bool) -> object:
        """Store the tidy address also where a record is written without a form's cleaning."""
        value = self.to_python(getattr(model_instance, self.attname))
        setattr(model_instance, self.attname, value)
        return value

    def formfield(self, *args: Any, **kwargs: Any) -> forms.Field | None:
        return super().formfield(*args, **{"assume_scheme": "https", **kwargs})


class DerivedFieldMixin:
    """Marks a field computed from the fields named in ``of`` whenever its record is written."""

    of: tuple[str, ...]


class _BoundField(DerivedFieldMixin, models.DateField):
    """One side of an EDTF field's bounds."""

    side: str

    def __init__(self, of: str, **kwargs: Any) -> None:
        self.of = (of,)
        kwargs.update(null=True, blank=True, editable=False)
        super().__init__(**kwargs)

    def deconstruct(self) -> tuple[str, str, Sequence[object], dict[str, object]]:
        name, path, args, kwargs = super().deconstruct()
        for implied in ("null", "blank", "editable"):
            kwargs.pop(implied, None)
        return name, path, [*self.of, *args], kwargs

    def pre_save(self, model_instance: models.Model, add: bool) -> object:
        # The EDTF field stands before its bounds, so its own pre_save has tidied the text.
        day = getattr(edtf.bounds(getattr(model_instance, self.of[0])), self.side)
        setattr(model_instance, self.attname, day)
        return day


class EarliestDayField(_BoundField):
    """First day the named EDTF field may mean; NULL where it is unknown or open."""

    side = "earliest"


class LatestDayField(_BoundField):
    """Last day the named EDTF field may mean; NULL where it is unknown or open."""

    side = "latest"


class _DerivedText(DerivedFieldMixin):
    """A text computed from the named fields."""

    def __init__(self, *of: str, **kwargs: object) -> None:
        self.of = of
        kwargs.update(blank=True, default="", editable=False)
        super().__init__(**kwargs)

    def deconstruct(self) -> tuple[str, str, Sequence[object], dict[str, object]]:
        name, path, args, kwargs = super().deconstruct()  # type: ignore[misc]
        for implied in ("blank", "default", "editable"):
            kwargs.pop(implied, None)
        return name, path, [*self.of, *args], kwargs

    def compute(self, *texts: str) -> str:
        """Return the value for the texts of the named fields."""
        raise NotImplementedError

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        value = self.compute(*(getattr(model_instance, name) for name in self.of))
        setattr(model_instance, self.attname, value)  # type: ignore[attr-defined]
        return value


class NormalizedTextField(_DerivedText, models.TextField):
    """The named text fields, folded and parted by ``|``: what a search without accents looks in."""

    def compute(self, *texts: str) -> str:
        folded = [normalize_text(text) for text in texts]
        return "|".join(dict.fromkeys(text for text in folded if text))


class _KeyField(_DerivedText, models.CharField):
    """A short text by which likely duplicates are found; index it."""

    def __init__(self, *of: str, **kwargs: object) -> None:
        super().__init__(*of, **{"max_length": 200, **kwargs})


class URLKeyField(_KeyField):
    """What addresses of one document have in common, for the named WebField, which stands first."""

    def compute(self, *texts: str) -> str:
        return url_key(texts[0])


class TitleKeyField(_KeyField):
    """The title without the outlet's name behind it, for the named title and publisher."""

    def compute(self, *texts: str) -> str:
        return title_key(texts[0], texts[1])
