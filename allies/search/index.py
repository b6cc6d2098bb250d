"""Keep the search index up to date: every write updates it in the same transaction.

Single saves and deletions send signals. Bulk writes send none, but write a version of every
record under their changeset. Code that writes in bulk calls ``reindex_changeset`` at its end.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet
from django.db.models.signals import post_delete, post_migrate, post_save
from django.dispatch import receiver

from allies.models import NAMED, Alias, Changeset, SearchText
from allies.search.documents import DOCUMENT_SOURCES, DocumentSource
from allies.text.normalize import normalize_text

#: Records read and written per batch.
CHUNK_SIZE = 500

_APOSTROPHES = re.compile(r"['’ʼ‘`´]")
_HYPHENS = re.compile(r"[-‐‑–]")


def spelling_variants(name: str) -> list[str]:
    """Return a name normalised, also with apostrophes as spaces, and with hyphens removed.

    >>> spelling_variants("Côte d’Ivoire")
    ['cote divoire', 'cote d ivoire']
    """
    ways = (name, _APOSTROPHES.sub(" ", name), _HYPHENS.sub("", name))
    return list(dict.fromkeys(folded for way in ways if (folded := normalize_text(way))))


def build_index_text(document: DocumentSource, record: Model) -> SearchText | None:
    """Return a record's row of the index; None if it has no text."""
    names = list(
        dict.fromkeys(way for name in document.names(record) for way in spelling_variants(name))
    )
    body = [folded for text in document.body(record) if (folded := normalize_text(text))]
    if not names and not body:
        return None
    first, last = document.days(record) or (None, None)
    return SearchText(
        noun=document.noun,
        record_id=record.pk,
        names="".join(f"| {name} " for name in names) + "|" if names else "",
        body=f" {' | '.join(body)} " if body else "",
        first=first,
        last=last,
    )


@transaction.atomic
def reindex(document: DocumentSource, ids: Sequence[int]) -> None:
    """Write the index rows of up to CHUNK_SIZE records; at most four queries."""
    # Lock them before their aliases are read, so that a concurrent change of an alias waits.
    records = document.model.objects.select_for_update().order_by("pk")
    found = records.filter(pk__in=ids).prefetch_related(*document.related)
    texts = [text for record in found if (text := build_index_text(document, record))]
    gone = set(ids) - {text.record_id for text in texts}
    if gone:
        SearchText.objects.filter(noun=document.noun, record_id__in=gone).delete()
    SearchText.objects.bulk_create(
        texts,
        update_conflicts=True,
        unique_fields=["noun", "record_id"],
        update_fields=["names", "body", "first", "last"],
    )


def reindex_changeset(changeset: Changeset) -> None:
    """Index what was written under a changeset; needs constant memory."""
    for document in DOCUMENT_SOURCES.values():
        versions = document.model.history.model.objects.filter(changeset=changeset)
        for ids in _chunks(versions, "id"):
            reindex(document, ids)
    _reindex_named_by(Alias.history.model.objects.filter(changeset=changeset).values("id"))


@transaction.atomic
def rebuild_index() -> int:
    """Rebuild the whole index; return the number of records in it."""
    SearchText.objects.all().delete()
    for document in DOCUMENT_SOURCES.values():
        for ids in _chunks(document.model.objects.all(), "pk"):
            reindex(document, ids)
    return SearchText.objects.count()


def _chunks(rows: QuerySet[Any], field: str) -> Iterator[list[int]]:
    """Yield the distinct values of an id field, in order, CHUNK_SIZE per batch."""
    last = 0
    while True:
        later = rows.filter(**{f"{field}__gt": last}).order_by(field)
        ids = list(later.values_list(field, flat=True).distinct()[:CHUNK_SIZE])
        if not ids:
            return
        yield ids
        last = ids[-1]


def _reindex_named_by(aliases: Iterable[Alias]) -> None:
    """Reindex the records that these aliases name or ever named, because aliases can be moved.

    ``aliases`` are ids, or a query for them. Each record is written once, even if several name it.
    """
    versions = Alias.history.model.objects.filter(id__in=aliases)
    for named in NAMED:
        for ids in _chunks(versions, f"{named}_id"):
            reindex(DOCUMENT_SOURCES[named], ids)


def on_save_or_delete(instance: Any, raw: bool = False, **kwargs: object) -> None:
    """Index a record that was saved or deleted. Fixtures contain the index rows themselves."""
    if not raw:
        reindex(DOCUMENT_SOURCES[instance._meta.model_name], [instance.pk])


def on_alias_change(instance: Any, raw: bool = False, **kwargs: object) -> None:
    """Index the record whose alias was saved or deleted, and those it named before."""
    if raw:
        return
    for named in NAMED:
        if record_id := getattr(instance, f"{named}_id"):
            reindex(DOCUMENT_SOURCES[named], [record_id])
    _reindex_named_by([instance.pk])


for _signal in (post_save, post_delete):
    _signal.connect(on_alias_change, sender=Alias)
    for _document in DOCUMENT_SOURCES.values():
        _signal.connect(on_save_or_delete, sender=_document.model)


@receiver(post_migrate)
def build_if_empty(sender: Any, apps: Any = None, **kwargs: object) -> None:
    """Fill the index on a site whose records are older than the index.

    ``apps`` is the state after the last migration; without it, nothing was migrated.
    """
    has_table = sender.name == "allies" and apps and "searchtext" in apps.all_models["allies"]
    if has_table and not SearchText.objects.exists():
        rebuild_index()
