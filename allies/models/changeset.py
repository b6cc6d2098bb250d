"""Changesets: changes made together by an import, an edit, a proposal, a merge or an undo."""

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.crypto import get_random_string
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from allies.models.registry import get_record, get_record_model
from allies.models.stateful import Stateful

#: The reason of changesets that installed the starter content. Readers see it translated.
STARTER_CONTENT = "Starter content"

#: How long the file of an import that was not applied is kept.
RETENTION = dt.timedelta(days=7)


class ChangesetKind(models.TextChoices):
    IMPORT = "import", _("import")
    UNDO = "undo", _("undo")
    EDIT = "edit", _("edit")
    REVERT = "revert", _("revert")
    MERGE = "merge", _("merge")


#: Kinds that a background job checks and applies.
BACKGROUND_KINDS = (ChangesetKind.IMPORT, ChangesetKind.UNDO)


class ChangesetState(models.TextChoices):
    """State of a changeset. Only an applied one has changed records."""

    UPLOADED = "uploaded", _("uploaded")
    CHECKING = "checking", _("being checked")
    CHECKED = "checked", _("checked")
    APPLYING = "applying", _("being applied")
    APPLIED = "applied", _("applied")
    PROPOSED = "proposed", _("proposed")
    DECLINED = "declined", _("declined")


#: States in which a job is working on the changeset.
RUNNING_STATES = (ChangesetState.CHECKING, ChangesetState.APPLYING)


#: Keys in ``Changeset.counts`` that count written records.
WRITE_COUNTS = ("created", "updated", "deleted", "restored", "returned")


class ChangesetQuerySet(models.QuerySet["Changeset"]):
    """``published`` contains what readers may see; all other methods are for editors."""

    def published(self) -> "ChangesetQuerySet":
        """Filter for public changesets: applied, and all their records were public then."""
        return self.filter(state=ChangesetState.APPLIED, listed=True)

    def _not_draft(self) -> "ChangesetQuerySet":
        """Imports and undos that are not applied."""
        return self.exclude(state=ChangesetState.APPLIED).filter(kind__in=BACKGROUND_KINDS)

    def applied(self) -> "ChangesetQuerySet":
        return self.filter(state=ChangesetState.APPLIED)

    def proposed(self) -> "ChangesetQuerySet":
        """Proposals that wait for a decision."""
        return self.filter(state=ChangesetState.PROPOSED)

    def failed(self) -> "ChangesetQuerySet":
        """Imports and undos whose last job failed."""
        return self._not_draft().exclude(message="")

    def declined(self) -> "ChangesetQuerySet":
        """Proposals that somebody other than their author declined."""
        return self.filter(state=ChangesetState.DECLINED).exclude(decided_by=F("created_by"))

    def about(self, record: models.Model) -> "ChangesetQuerySet":
        """Filter for changesets started from this record's page."""
        return self.filter(about_noun=record._meta.model_name, about_id=record.pk)

    def with_undone(self) -> "ChangesetQuerySet":
        """Annotate ``is_undone``: whether an applied changeset has undone this one."""
        undo = Changeset.objects.applied().filter(undoes=OuterRef("pk"))
        return self.annotate(is_undone=Exists(undo))

    def not_undone(self) -> "ChangesetQuerySet":
        """Filter for applied changesets that were not undone."""
        undo = Changeset.objects.applied().filter(undoes=OuterRef("pk"))
        return self.applied().exclude(Exists(undo))

    def newest_first(self) -> "ChangesetQuerySet":
        return self.order_by(models.F("applied_at").desc(nulls_first=True), "-pk")

    def expired(self, now: dt.datetime) -> "ChangesetQuerySet":
        """Imports and undos that are not applied and older than ``RETENTION``."""
        return self._not_draft().filter(created_at__lt=now - RETENTION)


def names_of(changesets: Iterable["Changeset"]) -> dict[int, str]:
    """Return changeset id → its name in a list: the record it is about and its own name.

    One query per record type.
    """
    found = list(changesets)
    about: dict[str, set[int]] = {}
    for changeset in found:
        if changeset.about_noun and changeset.about_id:
            about.setdefault(changeset.about_noun, set()).add(changeset.about_id)
    records = {
        (noun, record.pk): str(record)
        for noun, ids in about.items()
        for record in get_record_model(noun)._default_manager.filter(pk__in=ids)
    }
    names = {}
    for changeset in found:
        record = records.get((changeset.about_noun, changeset.about_id))
        names[changeset.pk] = f"{record}: {changeset}" if record else str(changeset)
    return names


def _folder(changeset: "Changeset", name: str) -> str:
    # The uploaded file name is stored in ``file_name``; on disk the file has a neutral name.
    return f"imports/{get_random_string(20).lower()}/file"


class Changeset(Stateful):
    """Changes to records made together: by whom, when, why and from which file."""

    STATE = ("state", "run")

    kind = models.CharField(_("kind"), max_length=8, choices=ChangesetKind, default="import")
    state = models.CharField(
        _("status"), max_length=8, choices=ChangesetState, default="uploaded", db_index=True
    )
    reason = models.TextField(_("reason"), blank=True, default="", max_length=1000)
    public_note = models.TextField(_("public note"), blank=True, default="", max_length=1000)
    #: The record on which an edit, a revert or a merge was started: its model name and its id.
    about_noun = models.CharField(max_length=20, blank=True, default="")
    about_id = models.BigIntegerField(null=True, blank=True)
    #: What a proposal would change: a list of ``allies.history.snapshots.RecordChange``.
    changes = models.JSONField(default=list, blank=True)
    #: Those of the proposed changes that the reviewer did not accept.
    not_taken = models.JSONField(default=list, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("decided by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decision = models.TextField(_("note on the decision"), blank=True, default="", max_length=1000)
    noun = models.CharField(_("record type"), max_length=20, blank=True, default="")
    file = models.FileField(upload_to=_folder, max_length=100, blank=True, default="")
    file_name = models.CharField(_("file"), max_length=200, blank=True, default="")
    sha256 = models.CharField("SHA-256", max_length=64, blank=True, default="")
    #: How the file of an import is read: an ``allies.imports.tables.FileFormat`` as JSON.
    file_format = models.JSONField(
        default=dict,
        blank=True,
        help_text=_("How the file is read. Needed only until the import is applied."),
    )
    #: What an uploaded file is imported with, in the form that ``Mapping.mapping`` has.
    mapping = models.JSONField(default=dict, blank=True)
    #: The names of the mappings with which a command imported files.
    mapping_names = models.JSONField(default=list, blank=True)
    #: Keys of records that an undo undoes although they were edited since; ``["all"]`` for all.
    undo_also = models.JSONField(
        default=list,
        blank=True,
        help_text=_("Later edits to undo as well. Needed only until the undo is applied."),
    )
    #: What a merge changed besides the records, so that its undo can restore it: ``dropped`` is
    #: the id of the merged record, ``redirects`` maps its slugs to the ids of the records to which
    #: they redirected before (or None), ``corrections`` are the ids of those that were moved.
    merge_effects = models.JSONField(default=dict, blank=True)
    #: Model name → numbers of records by outcome: ``{"created": 2, "unchanged": 5, "refused": 1}``.
    counts = models.JSONField(_("counts"), default=dict, blank=True)
    #: Whether readers see it in the public log: everything in it was public when it was applied.
    listed = models.BooleanField(_("in the public log"), default=False)
    #: Why the last job failed, in the language of the user who started it.
    message = models.TextField(blank=True, default="")
    #: Fingerprints of the data and of the outcome at the last check.
    data_state = models.CharField(max_length=64, blank=True, default="")
    outcome = models.CharField(max_length=64, blank=True, default="")
    #: Id of the job that may write for this changeset. A job that finds another id here stops.
    run = models.CharField(max_length=20, blank=True, default="")
    undoes = models.ForeignKey(
        "self",
        verbose_name=_("undoes"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="undos",
    )
    #: The reader's correction that this changeset implements.
    correction = models.ForeignKey(
        "Correction",
        verbose_name=_("correction"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="changesets",
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created_at = models.DateTimeField(_("started"), auto_now_add=True, db_index=True)
    applied_at = models.DateTimeField(_("applied"), null=True, blank=True, db_index=True)

    objects = ChangesetQuerySet.as_manager()

    class Meta:
        verbose_name = _("changeset")
        verbose_name_plural = _("changesets")
        default_permissions = ("view", "undo")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind=ChangesetKind.UNDO, undoes__isnull=False)
                | (~Q(kind=ChangesetKind.UNDO) & Q(undoes__isnull=True)),
                name="changeset_undo_of_something",
            ),
            models.CheckConstraint(
                condition=Q(state=ChangesetState.APPLIED, applied_at__isnull=False)
                | (~Q(state=ChangesetState.APPLIED) & Q(applied_at__isnull=True)),
                name="changeset_applied_at_some_time",
            ),
            models.UniqueConstraint(
                fields=["undoes"],
                condition=Q(state=ChangesetState.APPLIED),
                name="changeset_undone_once",
                violation_error_message=_("This changeset has already been undone."),
            ),
        ]
        indexes = [
            models.Index(fields=["about_noun", "about_id"], name="changeset_about"),
        ]

    def __str__(self) -> str:
        if self.kind == ChangesetKind.UNDO:
            return str(_("Undo of changeset %(number)s") % {"number": self.undoes_id})
        named = self.file_name or (str(_("Starter content")) if self.is_starter else self.reason)
        return named or str(_("Changeset %(number)s") % {"number": self.pk})

    @property
    def is_starter(self) -> bool:
        return self.reason == STARTER_CONTENT

    @property
    def about(self) -> Any:
        """The record on which it was started; None if there is none or it no longer exists."""
        return get_record(self.about_noun, self.about_id)

    @property
    def is_proposed(self) -> bool:
        return self.state == ChangesetState.PROPOSED

    @property
    def is_working(self) -> bool:
        return self.state in RUNNING_STATES

    @property
    def folder(self) -> Path:
        """Folder of its file, its plan and its job's notes until it is applied or discarded."""
        if self.file:
            return Path(self.file.path).parent
        return Path(settings.MEDIA_ROOT) / "imports" / f"undo-{self.pk}"

    def summary(self) -> str:
        """Return the numbers of written records in words: "414 alliances, 1,221 memberships"."""
        parts = []
        for name, counts in self.counts.items():
            if number := sum(counts.get(what, 0) for what in WRITE_COUNTS):
                options = apps.get_model("allies", name)._meta
                noun = options.verbose_name if number == 1 else options.verbose_name_plural
                parts.append(f"{number_format(number, force_grouping=True)} {noun}")
        return ", ".join(parts)

    @property
    def changed_records_count(self) -> int:
        """The number of records that were written, or would be."""
        return sum(count.get(name, 0) for count in self.counts.values() for name in WRITE_COUNTS)


class Mapping(models.Model):
    """A saved mapping: which column of a file goes into which field, and how."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    #: In the form that ``allies.imports.mapping_schema`` validates.
    mapping = models.JSONField(_("mapping"))
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    saved_at = models.DateTimeField(_("saved"), auto_now=True)

    class Meta:
        verbose_name = _("mapping")
        verbose_name_plural = _("mappings")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
