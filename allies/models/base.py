"""Base classes of the records: history, permissions, publication status, slugs and old slugs."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Self

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Count, Exists, OuterRef, Subquery
from django.db.models.functions import Coalesce, ExtractYear
from django.db.models.sql.compiler import SQLCompiler
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from allies.models.fields import DerivedFieldMixin, prose_fields
from allies.models.translation import TranslatedAttribute
from allies.text.edtf import UnreadableDate, bounds
from allies.text.markdown import cited_keys

#: Maximum length of a prose field in characters, in forms and in imported files.
MAX_PROSE_LENGTH = 20_000

#: Permissions that every record type has.
RECORD_PERMISSIONS: tuple[str, ...] = ("add", "change", "delete", "view", "import", "export")


class HistoryFields(models.Model):
    """Extra field of a record's version: the changeset that made it, if there was one."""

    # No database constraint: it would slow down large imports, which write one version per row.
    # It is not needed either, because an applied changeset is never deleted.
    changeset = models.ForeignKey(
        "allies.Changeset",
        verbose_name=_("changeset"),
        null=True,
        blank=True,
        editable=False,
        db_constraint=False,
        on_delete=models.DO_NOTHING,
        related_name="+",
    )

    class Meta:
        abstract = True


class Record(models.Model):
    """Base class of the records that editors write. Every version of them is stored."""

    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)
    history = HistoricalRecords(inherit=True, bases=[HistoryFields])

    # django-simple-history reads these when it writes a version.
    _change_reason: str
    _history_user: Any

    class Meta:
        abstract = True
        default_permissions = RECORD_PERMISSIONS

    @property
    def publication_root(self) -> "Publishable | None":
        """The record whose status decides whether readers see this one; None if they always do."""
        return None

    def save(
        self, *args: object, update_fields: Iterable[str] | None = None, **kwargs: Any
    ) -> None:
        """Save the record; ``update_fields`` also saves the fields derived from those named."""
        if update_fields is not None:
            update_fields = {
                *update_fields,
                "updated_at",
                *derived_field_names(self, update_fields),
            }
        super().save(*args, update_fields=update_fields, **kwargs)


def derived_field_names(
    record: models.Model | type[models.Model], names: Iterable[str]
) -> set[str]:
    """Return the names of the fields that are computed from any of these fields."""
    names = set(names)
    return {
        field.name
        for field in record._meta.concrete_fields
        if isinstance(field, DerivedFieldMixin) and names.intersection(field.of)
    }


class Status(models.TextChoices):
    DRAFT = "draft", _("draft")
    IN_REVIEW = "in-review", _("in review")
    PUBLISHED = "published", _("published")
    WITHDRAWN = "withdrawn", _("withdrawn")


class PublicationIssue(str):
    """A reason why a record cannot be published, and where to correct it.

    ``where`` is a field of the record or the related name of its parts. ``record`` is another
    record, if the editor has to correct it on that record's page. A warning is shown, but does
    not prevent publication.
    """

    where: str
    record: "Record | None"
    is_warning: bool

    def __new__(
        cls, text: object, where: str, record: "Record | None" = None, *, is_warning: bool = False
    ) -> "PublicationIssue":
        lack = super().__new__(cls, str(text))
        lack.where = where
        lack.record = record
        lack.is_warning = is_warning
        return lack


class Publishable(Record):
    """Base class of records with a publication status. Readers see them once published."""

    status = models.CharField(
        _("status"), max_length=12, choices=Status, default=Status.DRAFT, db_index=True
    )

    class Meta(Record.Meta):
        abstract = True
        default_permissions = (*RECORD_PERMISSIONS, "publish")

    @property
    def publication_root(self) -> "Publishable":
        return self

    @property
    def is_published(self) -> bool:
        return self.status == Status.PUBLISHED

    def publication_issues(self) -> list[PublicationIssue]:
        """Return all issues of this record, including warnings; costs queries."""
        raise NotImplementedError

    def blocking_issues(self) -> list[PublicationIssue]:
        """Return the issues that prevent publication; costs queries."""
        return [lack for lack in self.publication_issues() if not lack.is_warning]

    def texts(self) -> Iterator[str]:
        """Yield this record's texts that may cite sources, in every language."""
        for field in prose_fields(self):
            yield getattr(self, field.name)

    def _prose_field(self) -> str:
        return next((field.name for field in prose_fields(type(self))), "citations")

    def missing_cited_keys(self) -> list[PublicationIssue]:
        """Return a warning that names the cited sources that are not published, if any.

        Readers do not see the citation marks of these sources. One query if the texts cite any.
        """
        keys = {key for text in self.texts() for key in cited_keys(text)}
        if not keys:
            return []
        sources = apps.get_model("allies", "Source").objects
        hidden = sorted(keys - sources.published().known_keys(keys))
        if not hidden:
            return []
        said = _("These cited sources are not published: %(keys)s.")
        text = said % {"keys": ", ".join(hidden)}
        return [PublicationIssue(text, self._prose_field(), is_warning=True)]


class SlugMixin(models.Model):
    """A record with a slug, and so a page of its own. Its former slugs lead to the same page."""

    slug = models.SlugField(
        _("slug"),
        max_length=120,
        unique=True,
        blank=True,
        help_text=_("The end of the page address. If empty, it is made from the title."),
        error_messages={"unique": _("Another record already has this slug.")},
    )

    class Meta:
        abstract = True

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any]) -> Self:
        record = super().from_db(db, field_names, values)
        record.__dict__["_stored_slug"] = record.__dict__.get("slug", "")
        return record

    def slug_base(self) -> str:
        """Return the text from which a missing slug is made."""
        raise NotImplementedError

    def save(self, *args: object, **kwargs: Any) -> None:
        """Save the record. Store its former slug, so that old links keep working."""
        if not self.slug:
            self.slug = unique_slug(type(self), self.slug_base())
        super().save(*args, **kwargs)
        before = self.__dict__.get("_stored_slug", "")
        if before and before != self.slug:
            OldSlug.objects.remember(type(self), [(before, self.pk)])
        self.__dict__["_stored_slug"] = self.slug


class TitleMixin(SlugMixin):
    """A record with a title in one language or both."""

    title_en = models.CharField(_("title (English)"), max_length=300, blank=True, default="")
    title_ind = models.CharField(_("title (Indonesian)"), max_length=300, blank=True, default="")

    title = TranslatedAttribute()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.title or self.slug

    def slug_base(self) -> str:
        return self.title_en or self.title_ind

    def missing_title(self) -> list[PublicationIssue]:
        """Return an issue if the record has no title in either language."""
        if self.title:
            return []
        return [PublicationIssue(_("Enter a title in at least one language."), "title_en")]


def unique_slug(model: type[SlugMixin], text: str) -> str:
    """Return a slug made from the text that no record of the model has; one query."""
    base = slugify(text)[:100] or str(model._meta.model_name)
    taken = set(model._default_manager.filter(slug__startswith=base).values_list("slug", flat=True))
    if base not in taken:
        return base
    return next(slug for n in range(2, len(taken) + 3) if (slug := f"{base}-{n}") not in taken)


class OldSlugManager(models.Manager["OldSlug"]):
    def remember(self, model: type[models.Model], slugs: Iterable[tuple[str, int]]) -> None:
        """Store the former slugs of records of this model, given as (slug, id) pairs.

        The first record that gave up a slug keeps it. A deleted record or a draft keeps it only
        until a record that is not a draft gives up the same slug, since no reader saw a draft.
        """
        noun, slugs = str(model._meta.model_name), list(slugs)
        records = model._default_manager
        drafts = records.none()
        if issubclass(model, Publishable):
            drafts = records.filter(status__in=(Status.DRAFT, Status.IN_REVIEW))
        unread = set(drafts.filter(pk__in=[pk for _slug, pk in slugs]).values_list("pk", flat=True))
        given_up = self.filter(noun=noun, slug__in=[slug for slug, pk in slugs if pk not in unread])
        given_up.filter(
            ~Exists(records.filter(pk=OuterRef("record_id")))
            | Exists(drafts.filter(pk=OuterRef("record_id")))
        ).delete()
        self.bulk_create(
            [OldSlug(noun=noun, slug=slug, record_id=record_id) for slug, record_id in slugs],
            ignore_conflicts=True,
        )

    def record_id(self, model: type[models.Model], slug: str) -> int | None:
        """Return the id of the record that had this slug before; None if there is none."""
        return (
            self.filter(noun=model._meta.model_name, slug=slug)
            .values_list("record_id", flat=True)
            .first()
        )


class OldSlug(models.Model):
    """A slug that a record had before it was renamed."""

    noun = models.CharField(max_length=40)
    slug = models.SlugField(max_length=120)
    record_id = models.BigIntegerField()

    objects = OldSlugManager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["noun", "slug"], name="oldslug_one_record"),
        ]

    def __str__(self) -> str:
        return f"{self.noun}: {self.slug}"


class YearOf(ExtractYear):
    """The year of a date.

    SQLite takes it from the stored text, because Django’s function calls Python once per row.
    """

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: object
    ) -> Any:
        sql, params = compiler.compile(self.lhs)
        return f"CAST(SUBSTR({sql}, 1, 4) AS INTEGER)", params


def count_distinct_subquery(
    rows: models.QuerySet[models.Model], by: str, what: str | models.Expression | models.F
) -> Coalesce:
    """Return a subquery for the number of distinct ``what`` among these rows; 0 for no rows.

    ``rows`` belong to one record of the outer query. ``by`` is a path whose value is the same
    in all of them, so that they form one group.
    """
    number = rows.order_by().values(by).annotate(n=Count(what, distinct=True)).values("n")
    return Coalesce(Subquery(number, output_field=models.IntegerField()), 0)


_TITLE_NEEDED = _("Published records need a title in at least one language.")


def validate_title(errors: dict[str, object], record: Any) -> None:
    """Add an error if a published record has no title."""
    if record.is_published and not record.title:
        errors["title_en"] = _TITLE_NEEDED


def published_requires_text(model: str, field: str) -> models.CheckConstraint:
    """Return a constraint: a published record has this text in at least one language."""
    return models.CheckConstraint(
        condition=~models.Q(status=Status.PUBLISHED)
        | ~models.Q(**{f"{field}_en": "", f"{field}_ind": ""}),
        name=f"{model}_published_has_{field}",
        violation_error_message=_TITLE_NEEDED,
    )


def choices_constraint(
    model: str, field: str, choices: type[models.TextChoices]
) -> models.CheckConstraint:
    """Return a constraint: the field has one of its choices."""
    return models.CheckConstraint(
        condition=models.Q(**{f"{field}__in": sorted(choices.values)}),
        name=f"{model}_{field}_known",
    )


def validation_issues(record: models.Model) -> list[PublicationIssue]:
    """Return the record's validation errors as issues, for example contradictory dates."""
    try:
        record.full_clean(validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        return [
            PublicationIssue(text, field)
            for field, texts in error.message_dict.items()
            for text in texts
        ]
    return []


def validate_date_order(errors: dict[str, object], record: Any, first: str, last: str) -> None:
    """Add an error if the date ``last`` is certainly before the date ``first``."""
    try:
        start = bounds(getattr(record, first)).earliest
        end = bounds(getattr(record, last)).latest
    except UnreadableDate:
        return  # the field reports it
    if start and end and end < start:
        errors[last] = ValidationError(
            _("“%(last)s” (%(last_value)s) is before “%(first)s” (%(first_value)s)."),
            params={
                "last": record._meta.get_field(last).verbose_name,
                "last_value": getattr(record, last),
                "first": record._meta.get_field(first).verbose_name,
                "first_value": getattr(record, first),
            },
        )
