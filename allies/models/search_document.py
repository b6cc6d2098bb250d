"""The search index: one row of normalized texts per record; see ``allies.search``."""

from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q

from allies.models.alliance import Alliance
from allies.models.ally_list import AllyList, Entry
from allies.models.country import Country
from allies.models.event import Event
from allies.models.source import Source

#: The record types in the index. Of two equally good matches, the earlier type comes first.
SEARCHABLE_MODELS: tuple[Any, ...] = (Country, AllyList, Alliance, Event, Source, Entry)


class SearchTextQuerySet(models.QuerySet["SearchText"]):
    def published(self) -> "SearchTextQuerySet":
        """Rows of records that readers may see; the index also contains drafts."""
        public = Q(pk__in=[])
        for model in SEARCHABLE_MODELS:
            record = model.objects.published().filter(pk=OuterRef("record_id"))
            public |= Q(Exists(record), noun=model._meta.model_name)
        return self.filter(public)


class SearchText(models.Model):
    """One record's normalized texts and dates, written by ``allies.search.index``.

    Migration 0011 creates the full-text index over ``names`` and ``body``, which differs per
    database system.
    """

    #: The record: its model's name and its id.
    noun = models.CharField(max_length=20)
    record_id = models.BigIntegerField()
    #: Titles, names, aliases and codes, like ``| russia | rusia | rus |``.
    names = models.TextField()
    #: All other texts, like `` one text | another ``.
    body = models.TextField()
    #: The first and last day that the record may be about; both NULL if it has no date.
    first = models.DateField(null=True)
    last = models.DateField(null=True)

    objects = SearchTextQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["noun", "record_id"], name="searchtext_one_a_record"),
        ]

    def __str__(self) -> str:
        return f"{self.noun} {self.record_id}"
