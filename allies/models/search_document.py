"""The search index: what readers may look for, each thing's texts folded; see ``allies.search``."""

from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q

from allies.models.alliance import Alliance
from allies.models.ally_list import AllyList, Entry
from allies.models.country import Country
from allies.models.event import Event
from allies.models.source import Source

#: The nouns one may search for; where two fit as well, the first of them stands first.
SEARCHABLE_MODELS: tuple[Any, ...] = (Country, AllyList, Alliance, Event, Source, Entry)


class SearchTextQuerySet(models.QuerySet["SearchText"]):
    def published(self) -> "SearchTextQuerySet":
        """Those of records a reader may see; the index itself knows nothing of that."""
        public = Q(pk__in=[])
        for model in SEARCHABLE_MODELS:
            record = model.objects.published().filter(pk=OuterRef("record_id"))
            public |= Q(Exists(record), noun=model._meta.model_name)
        return self.filter(public)


class SearchText(models.Model):
    """One record's texts, folded, and the days it is about; written by ``allies.search.index``.

    Each database has its own index over ``names`` and ``body``: migration 0011 says how.
    """

    #: The record: its model's name and its id.
    noun = models.CharField(max_length=20)
    record_id = models.BigIntegerField()
    #: Titles, names, aliases and codes, as ``| russia | rusia | rus |``.
    names = models.TextField()
    #: All other texts, as `` one text | another ``.
    body = models.TextField()
    #: The first and the last day it may be about; both NULL where it is about no day.
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
