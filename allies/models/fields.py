"""Model fields: imprecise dates, prose with citations, URLs, and fields computed from others."""

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, RegexValidator, URLValidator
from django.db import models
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from allies.text import edtf
from allies.text.date_parser import AmbiguousDate, parse_date
from allies.text.markdown import cited_keys
from allies.text.normalize import normalize_text, sort_key, title_key
from allies.text.urls import normalize_url, url_key

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


#: Dates in words, for messages and help texts.
DATE_EXAMPLES = _(
    "19 June 2024, 3–5 May 2024, May 2024, early 2024, 2024, the 1990s, before 2022, since 2022, "
    "about 1990"
)
_DATE_HELP = format_lazy(_("As precise as you know it: {}."), DATE_EXAMPLES)


class EDTFField(models.CharField):
    """A date as precise as what is known, in EDTF.

    Pair it with an ``EarliestDayField`` and a ``LatestDayField``.
    """

    description = _("Date, as precise as it is known (EDTF)")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 40)
        kwargs.setdefault("blank", True)
        kwargs.setdefault("default", "")
        super().__init__(*args, **kwargs)

    def to_python(self, value: object) -> str:
        """Return the typed date in EDTF.

        Raises ValidationError with both readings if there are two, otherwise with examples.
        """
        text = str(value or "").strip()
        try:
            return parse_date(text) if text else ""
        except AmbiguousDate as error:
            first, second = map(edtf.format_edtf, error.readings[:2])
            raise ValidationError(
                _("“%(value)s” can mean “%(first)s” or “%(second)s”. Write one of these."),
                code="ambiguous_date",
                params={"value": text, "first": first, "second": second},
            ) from error
        except edtf.UnreadableDate as error:
            raise ValidationError(
                _("“%(value)s” is not a clear date. Write it like one of these: %(examples)s."),
                code="unreadable_date",
                params={"value": text, "examples": DATE_EXAMPLES},
            ) from error

    def formfield(self, *args: Any, **kwargs: Any) -> forms.Field | None:
        """Return a form field that parses the date itself, so that its record only gets EDTF.

        A form keeps using its record after one of its fields had an error. The help text says how
        to write a date.
        """
        kwargs.setdefault("form_class", EDTFFormField)
        own = self.help_text
        kwargs.setdefault("help_text", format_lazy("{} {}", own, _DATE_HELP) if own else _DATE_HELP)
        found = super().formfield(*args, **kwargs)
        if isinstance(found, EDTFFormField):
            found.read = self.to_python
        return found

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        """Store EDTF even if the record is saved without validation."""
        value = self.to_python(getattr(model_instance, self.attname))
        setattr(model_instance, self.attname, value)
        return value


class EDTFFormField(forms.CharField):
    """Form field for an imprecise date; its value is in EDTF."""

    #: Returns the typed date in EDTF; raises ValidationError.
    read: Callable[[Any], str]

    def to_python(self, value: object) -> str:
        return self.read(super().to_python(value))


class NormalizedNewlinesField(forms.CharField):
    """Form field for a text of several lines, which changes CRLF to LF.

    Browsers send CRLF, but count it as one character. Without this field, an unchanged text
    would show up as changed.
    """

    def to_python(self, value: object) -> str | None:
        text = super().to_python(value)
        return text.replace("\r\n", "\n") if isinstance(text, str) else text


class ProseField(models.TextField):
    """A long text whose maximum length applies to imported files as well as to forms.

    Its citation marks (``[@key]``) must name existing sources. A ``verbatim`` field holds
    somebody else's words, which are shown unchanged, so marks in it mean nothing.
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
        """Raise ValidationError if the text cites sources that do not exist.

        One query if it cites any. Without a record, the text comes from a file and its marks are
        not checked here: the import checks the keys of many rows at once, and the file's own
        sources count too.
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
        """Return the error for a text that cites these keys, which no source has."""
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
    """A URL with http or https; ``javascript:`` and other schemes are refused.

    It is stored without parts that do not change where it leads (``text.urls.normalize_url``).
    """

    default_validators = [URLValidator(schemes=["http", "https"])]

    def to_python(self, value: object) -> object:
        text = super().to_python(value)
        return normalize_url(text) if text else text

    def pre_save(self, model_instance: models.Model, add: bool) -> object:
        """Store the normalized URL even if the record is saved without validation."""
        value = self.to_python(getattr(model_instance, self.attname))
        setattr(model_instance, self.attname, value)
        return value

    def formfield(self, *args: Any, **kwargs: Any) -> forms.Field | None:
        return super().formfield(*args, **{"assume_scheme": "https", **kwargs})


class DerivedFieldMixin:
    """Mixin of fields that are computed from the fields named in ``of`` on every save."""

    of: tuple[str, ...]


class _BoundField(DerivedFieldMixin, models.DateField):
    """The first or last day of an EDTF field."""

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
        # The EDTF field is declared first, so its pre_save has already stored EDTF.
        day = getattr(edtf.bounds(getattr(model_instance, self.of[0])), self.side)
        setattr(model_instance, self.attname, day)
        return day


class EarliestDayField(_BoundField):
    """First day that the named EDTF field may mean; NULL if it is unknown or open."""

    side = "earliest"


class LatestDayField(_BoundField):
    """Last day that the named EDTF field may mean; NULL if it is unknown or open."""

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
    """The named text fields, each normalized, joined with ``|``; for searches ignoring accents."""

    def compute(self, *texts: str) -> str:
        folded = [normalize_text(text) for text in texts]
        return "|".join(dict.fromkeys(text for text in folded if text))


class SortKeyField(_DerivedText, models.CharField):
    """The key that a bilingual name is sorted by in one language (``text.normalize.sort_key``).

    It takes the name in this language first, then in the other one. The key is that of the first
    that is not empty. Order by ``BinaryOrder`` of it.
    """

    def __init__(self, *of: str, **kwargs: object) -> None:
        super().__init__(*of, **{"max_length": 200, **kwargs})

    def compute(self, *texts: str) -> str:
        return sort_key(next((text for text in texts if text), ""))[:200]


class _KeyField(_DerivedText, models.CharField):
    """A short text that likely duplicates have in common; index it."""

    def __init__(self, *of: str, **kwargs: object) -> None:
        super().__init__(*of, **{"max_length": 200, **kwargs})


class URLKeyField(_KeyField):
    """The key that URLs of one document have in common (``text.urls.url_key``).

    Declare it after the named ``NormalizedURLField``.
    """

    def compute(self, *texts: str) -> str:
        return url_key(texts[0])


class TitleKeyField(_KeyField):
    """The normalized title without the publisher's name at its end (``text.normalize.title_key``).

    It takes the names of the title field and the publisher field, in this order.
    """

    def compute(self, *texts: str) -> str:
        return title_key(texts[0], texts[1])


class WikidataField(models.CharField):
    """The id of the Wikidata item about the same thing, like Q7184; "" if unknown."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("verbose_name", _("Wikidata ID"))
        kwargs.setdefault("max_length", 12)
        kwargs.setdefault("blank", True)
        kwargs.setdefault("default", "")
        super().__init__(*args, **kwargs)
        self.validators = [
            *self.validators,
            RegexValidator(r"^Q[1-9][0-9]*$", _("The letter Q and digits, like Q7184.")),
        ]
