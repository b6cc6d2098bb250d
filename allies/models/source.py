"""Sources: the documents that records cite, and which of them are derived from which."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Aggregate, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.db.models.sql.compiler import SQLCompiler
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from allies.models.base import (
    OldSlug,
    PublicationIssue,
    Publishable,
    Status,
    choices_constraint,
    validate_date_order,
)
from allies.models.fields import (
    EarliestDayField,
    EDTFField,
    LatestDayField,
    NormalizedTextField,
    NormalizedURLField,
    TitleKeyField,
    URLKeyField,
)
from allies.text.normalize import split_names, title_key
from allies.text.urls import url_key

#: Number of keys looked up in one query, because databases limit the number of parameters.
KEYS_PER_QUERY = 10_000


class SourceKind(models.TextChoices):
    NEWS = "news", _("news article")
    DATASET = "dataset", _("data set")
    DOCUMENT = "document", _("official document")
    TREATY = "treaty", _("treaty text")
    REFERENCE = "reference", _("reference work")
    BOOK = "book", _("book")
    REPORT = "report", _("report")
    STATEMENT = "statement", _("statement")
    OTHER = "other", _("other")


class _JoinedKeys(Aggregate):
    """Aggregate: the keys of a group, joined with commas."""

    template = "STRING_AGG(%(expressions)s, ',')"
    output_field = models.TextField()

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any
    ) -> tuple[str, list[str | int] | tuple[str | int, ...] | tuple[()]]:
        extra["template"] = "GROUP_CONCAT(%(expressions)s, ',')"
        return self.as_sql(compiler, connection, **extra)


class SourceQuerySet(models.QuerySet["Source"]):
    def published(self) -> "SourceQuerySet":
        """Filter for published sources."""
        return self.filter(status=Status.PUBLISHED)

    def known_keys(self, keys: Iterable[str]) -> set[str]:
        """Return the keys that exist, as a current or a former key of a source.

        One query per ``KEYS_PER_QUERY`` keys.
        """
        wanted = list(keys)
        found: set[str] = set()
        for start in range(0, len(wanted), KEYS_PER_QUERY):
            found |= self.current_keys(wanted[start : start + KEYS_PER_QUERY]).keys()
        return found

    def current_keys(self, keys: Collection[str] | None = None) -> dict[str, str]:
        """Return key → current key of its source, for these keys or for all; one query.

        The key of a source that was merged leads to the source it was merged into, unless another
        source has that key now.
        """
        own = self.order_by().annotate(asked=F("key"), is_own=Value(1))
        current = self.order_by().filter(pk=OuterRef("record_id")).values("key")
        old = OldSlug.objects.filter(noun="source").annotate(
            current=Subquery(current), is_own=Value(0)
        )
        old = old.exclude(current=None)
        if keys is not None:
            own, old = own.filter(key__in=keys), old.filter(slug__in=keys)
        names = old.values_list("slug", "current", "is_own").union(
            own.values_list("asked", "key", "is_own"), all=True
        )
        return {key: now for key, now, _own in sorted(names, key=lambda name: name[2])}

    def by_key(self, keys: Collection[str]) -> "dict[str, Source]":
        """Return key → source, also for old keys as in ``current_keys``; one query."""
        old = OldSlug.objects.filter(noun="source", slug__in=keys)
        of_one = old.filter(record_id=OuterRef("pk")).values("record_id")
        sources: Any = self.filter(Q(key__in=keys) | Q(pk__in=old.values("record_id"))).annotate(
            old_keys=Subquery(of_one.annotate(keys=_JoinedKeys("slug")).values("keys"))
        )
        found = {key: s for s in sources for key in (s.old_keys or "").split(",") if key}
        return found | {source.key: source for source in sources if source.key in keys}

    def duplicates_of(
        self,
        *,
        url: str = "",
        archive_url: str = "",
        title: str = "",
        publisher: str = "",
        besides: int | None = None,
    ) -> "SourceQuerySet":
        """Return sources that are likely the same document, apart from ``besides``; one query.

        They have the same title, or a common URL: their address or their archived copy.
        """
        addresses = {url_key(url), url_key(archive_url)} - {""}
        titles = {title_key(title, publisher), title_key(title, "")} - {""}
        alike = Q(title_key__in=titles)
        if addresses:
            alike |= Q(url_key__in=addresses) | Q(archive_key__in=addresses)
        found = self.filter(alike).order_by("key")
        return found if besides is None else found.exclude(pk=besides)

    def newest_first(self) -> "SourceQuerySet":
        return self.order_by(F("date_published_latest").desc(nulls_last=True), "key")

    def recompute_origins(self) -> None:
        """Recompute the origin of every source; call it after a bulk import.

        Two queries, and per link of the longest chain one query and one update per 500 changed
        sources. For a single record, ``Source.save`` updates the chain.
        """
        Source.objects.filter(derived_from=None).exclude(origin=None).update(origin=None)
        level = list(Source.objects.filter(derived_from=None).values_list("pk", flat=True))
        roots = {pk: pk for pk in level}
        while level:
            links = Source.objects.filter(derived_from__in=level).values_list(
                "pk", "derived_from_id", "origin_id"
            )
            level, moved = [], []
            for pk, parent, origin in links:
                roots[pk] = roots[parent]
                level.append(pk)
                if origin != roots[pk]:
                    moved.append(Source(pk=pk, origin_id=roots[pk]))
            Source.objects.bulk_update(moved, ["origin"], batch_size=500)


def origin_of(prefix: str = "") -> Coalesce:
    """Return an expression for the id of a source's origin, which may be the source itself.

    ``prefix`` is the path to the source, such as ``source__``.
    """
    return Coalesce(f"{prefix}origin_id", f"{prefix}pk")


_ORIGINAL_NOT_PUBLISHED = _("The source it is based on is not published.")


def validate_no_cycle(key: str, parent: str, parent_of: Callable[[str], str]) -> None:
    """Raise ValidationError if the chain from ``parent`` upwards leads back to ``key``.

    ``parent_of`` returns the key of the source that a source is derived from, "" for an original.
    """
    chain = [key]
    while parent and parent not in chain:
        chain.append(parent)
        parent = parent_of(parent)
    if parent:
        raise ValidationError(
            {
                "derived_from": _("These sources refer to each other in a circle: %(chain)s.")
                % {"chain": " ← ".join([*chain, parent])}
            }
        )


def _parent_key(key: str) -> str:
    parent = Source.objects.filter(key=key).values_list("derived_from__key", flat=True).first()
    return parent or ""


class Source(Publishable):
    """A document or data set that can be cited, online or not."""

    key = models.SlugField(
        _("citation key"),
        max_length=80,
        unique=True,
        validators=[
            RegexValidator(
                r"^[a-z0-9][a-z0-9-]*$",
                _("Lowercase letters, digits and hyphens, like dw-2024-en."),
            )
        ],
        help_text=_("Short and permanent, like dw-2024-en. Files and texts cite it."),
        error_messages={"unique": _("Another source already has this citation key.")},
    )
    kind = models.CharField(_("kind"), max_length=12, choices=SourceKind, default=SourceKind.NEWS)
    publisher = models.CharField(_("publisher"), max_length=200)
    title = models.CharField(_("title"), max_length=500)
    author = models.CharField(
        _("author"),
        max_length=300,
        blank=True,
        default="",
        help_text=_("Several authors are separated by semicolons."),
    )
    credit = models.CharField(
        _("credit"),
        max_length=300,
        blank=True,
        default="",
        help_text=_("As printed: “Melansir DW”, “Source: Reuters”."),
    )
    url = NormalizedURLField(_("address"), max_length=1000, blank=True, default="")
    date_published = EDTFField(_("date published"))
    date_published_earliest = EarliestDayField("date_published")
    date_published_latest = LatestDayField("date_published")
    language = models.CharField(
        _("language"),
        max_length=3,
        blank=True,
        default="",
        validators=[RegexValidator(r"^[a-z]{2,3}$", _("An ISO 639 code, like id or en."))],
        help_text=_("ISO 639 code of the document’s language, like id or en."),
    )
    derived_from = models.ForeignKey(
        "self",
        verbose_name=_("based on"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="derivatives",
        help_text=_("The source that this one republishes or is based on."),
    )
    origin = models.ForeignKey(
        "self",
        verbose_name=_("original source"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.DO_NOTHING,
        related_name="+",
        help_text=_("The first source in the chain; empty if it is this one."),
    )
    archive_url = NormalizedURLField(_("archived copy"), max_length=1000, blank=True, default="")
    doi = models.CharField(
        _("DOI"),
        max_length=200,
        blank=True,
        default="",
        validators=[RegexValidator(r"^10\.[0-9]{4,9}/\S+$", _("A DOI, like 10.7910/DVN/LEJUQZ."))],
    )
    licence = models.CharField(
        _("licence"),
        max_length=120,
        blank=True,
        default="",
        help_text=_("Its SPDX identifier, like CC-BY-4.0, or its terms in a few words."),
    )
    redistribution = models.BooleanField(
        _("may be passed on"),
        null=True,
        blank=True,
        help_text=_(
            "Whether others may publish the rows of this data set. If not, downloads of whole "
            "tables leave out what only this source supports."
        ),
    )
    covers_from = EDTFField(
        _("covers from"), help_text=_("The first day that a data set describes.")
    )
    covers_from_earliest = EarliestDayField("covers_from")
    covers_from_latest = LatestDayField("covers_from")
    covers_to = EDTFField(
        _("covers to"),
        help_text=_(
            "The last day that a data set describes. Later, its ties are only “last recorded”."
        ),
    )
    covers_to_earliest = EarliestDayField("covers_to")
    covers_to_latest = LatestDayField("covers_to")
    folded = NormalizedTextField("key", "publisher", "title", "author")
    url_key = URLKeyField("url")
    archive_key = URLKeyField("archive_url")
    title_key = TitleKeyField("title", "publisher")

    objects = SourceQuerySet.as_manager()

    class Meta(Publishable.Meta):
        verbose_name = _("source")
        verbose_name_plural = _("sources")
        ordering = ["key"]
        indexes = [
            models.Index(fields=["url_key"], name="source_url_key"),
            models.Index(fields=["archive_key"], name="source_archive_key"),
            models.Index(fields=["title_key"], name="source_title_key"),
        ]
        constraints = [
            choices_constraint("source", "status", Status),
            choices_constraint("source", "kind", SourceKind),
            models.CheckConstraint(
                condition=~Q(derived_from=F("pk")),
                name="source_not_own_original",
                violation_error_message=_("A source cannot be based on itself."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.publisher}: {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("allies:source-detail", args=[self.key])

    @property
    def authors(self) -> list[str]:
        """Its authors, each on their own."""
        return split_names(self.author)

    @property
    def is_withheld(self) -> bool:
        """Whether its rows may not be passed on; one query unless ``origin`` was fetched."""
        if self.redistribution is None and self.origin is not None:
            return self.origin.redistribution is False
        return self.redistribution is False

    @property
    def doi_url(self) -> str:
        """The URL that its DOI leads to; "" without one."""
        return f"https://doi.org/{self.doi}" if self.doi else ""

    @property
    def is_link_dead(self) -> bool:
        """Whether its link is dead; one query unless ``link_health`` was fetched with it.

        Results for a former URL do not count.
        """
        try:
            link = self.link_health
        except ObjectDoesNotExist:
            return False
        return link.health == "dead" and link.address == self.url

    def clean(self) -> None:
        """Refuse a circular chain of sources, and an unpublished original of a public source.

        One query per link of the chain.
        """
        if self.derived_from is not None:
            validate_no_cycle(self.key, self.derived_from.key, _parent_key)
        self.validate_original_published()
        errors: dict[str, object] = {}
        validate_date_order(errors, self, "covers_from", "covers_to")
        if errors:
            raise ValidationError(errors)

    def validate_original_published(self) -> None:
        """Raise ValidationError if this source is public and the one it is derived from is not.

        Otherwise, editors without the permission to publish could change the chain of a public
        source by editing its original. The number of independent sources depends on that chain.
        """
        if self.is_published and self._misses_original():
            raise ValidationError({"derived_from": _ORIGINAL_NOT_PUBLISHED})

    def _misses_original(self) -> bool:
        return self.derived_from is not None and not self.derived_from.is_published

    def save(self, *args: object, **kwargs: Any) -> None:
        """Set the origin and save the source.

        If the origin changed, all sources derived from this one are updated in the same
        transaction, with two queries per link of the chain.
        """
        before = self.origin_id
        if (names := kwargs.get("update_fields")) is not None:
            kwargs["update_fields"] = {*names, "origin"}
        with transaction.atomic():
            # Lock the parent: a transaction that changes its origin waits, then finds this child.
            parents = Source.objects.select_for_update(of=("self",))
            drawn_on = self.derived_from_id
            parent = parents.filter(pk=drawn_on).first() if drawn_on else None
            self.origin_id = (parent.origin_id or parent.pk) if parent else None
            super().save(*args, **kwargs)
            if before != self.origin_id:
                self._propagate_origin()

    def _propagate_origin(self) -> None:
        reached, level = {self.pk}, [self.pk]
        while level:
            children = Source.objects.filter(derived_from__in=level).exclude(pk__in=reached)
            level = list(children.values_list("pk", flat=True))
            Source.objects.filter(pk__in=level).update(origin=self.origin_id or self.pk)
            reached.update(level)

    def publication_issues(self) -> list[PublicationIssue]:
        """Return an issue if the source it is derived from is not published."""
        return (
            [PublicationIssue(_ORIGINAL_NOT_PUBLISHED, "derived_from")]
            if self._misses_original()
            else []
        )


def public_source_key(source: Source | None) -> str:
    """Return the key of a source if readers may see it, else ""."""
    return source.key if source is not None and source.is_published else ""
