"""Everything in one file: the data package of all nouns, and the way back from it."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from django.db.models import CharField, OuterRef, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from allies.description import about, column_of, last_change
from allies.exchange.cells import ChoiceCell
from allies.exchange.reader import UnreadableFile, read_csv
from allies.exchange.resources import NOUNS, NounResource
from allies.exchange.resources.base import by_bytes
from allies.exchange.rows import Rows
from allies.models import OldSlug, Slugged, Source, address_field
from allies.moment import one_moment
from allies.package import Field, ForeignKey, PackageFile, Table, package_blocks
from allies.replicas import reading_connection

#: The table of addresses that records had before, and its columns.
OLD_SLUGS = "old-slugs"
_OLD_SLUG_COLUMNS = (
    Field("noun", gettext_lazy("record type"), gettext_lazy("The table that contains the record.")),
    Field("slug", gettext_lazy("old slug"), gettext_lazy("A former slug of the record.")),
    Field("record", gettext_lazy("slug"), gettext_lazy("The current slug of the record.")),
)

#: Old slugs read and written at a time.
CHUNK = 1_000


class WrongTables(UnreadableFile):
    """A data package whose tables are not this site's nouns; its text says which."""


# Out.


def package_of_noun(noun: str) -> Iterator[bytes]:
    """Yield the data package of one noun's records."""
    resource = NOUNS[noun]()
    title = resource.model._meta.verbose_name_plural
    return package_blocks(about(title, changed=last_change(), name=noun), [table_of(resource)])


def package_of_everything() -> Iterator[bytes]:
    """Yield the data package of all records and old addresses, as they are at one moment."""
    with one_moment(reading_connection()):
        tables = [table_of(resource(), whole_site=True) for resource in NOUNS.values()]
        yield from package_blocks(
            about(gettext_lazy("all records"), changed=last_change()), [*tables, _old_slugs()]
        )


def table_of(resource: NounResource, *, whole_site: bool = False) -> Table:
    """Return a noun's table; ``whole_site`` says that the other nouns' stand beside it."""
    return Table(
        name=resource.noun,
        title=resource.model._meta.verbose_name_plural,
        fields=[_column(resource, field) for field in resource.get_export_fields()],
        rows=resource.export_rows(),
        primary_key=resource.primary_key,
        foreign_keys=tuple(_foreign_keys(resource)) if whole_site else (),
    )


def _column(resource: NounResource, field: Any) -> Field:
    cell = field.widget
    return column_of(
        resource.model._meta.get_field(field.attribute),
        name=field.column_name,
        note=cell.note,
        type=cell.schema_type,
        choices=tuple(cell.choices) if isinstance(cell, ChoiceCell) else (),
    )


def _foreign_keys(resource: NounResource) -> Iterator[ForeignKey]:
    """Yield the references whose key is a column of the table they lead to."""
    tables = {other._meta.model: other for other in NOUNS.values()}
    for field, cell in resource.references():
        other = tables[cell.model]()
        if cell.key in other.columns:
            noun = "" if other.noun == resource.noun else other.noun
            yield ForeignKey(field.column_name, noun, cell.key)


def _old_slugs() -> Table:
    return Table(
        name=OLD_SLUGS,
        title=gettext_lazy("old addresses"),
        fields=_OLD_SLUG_COLUMNS,
        rows=_old_slug_rows(),
        primary_key=("noun", "slug"),
    )


def _slugged() -> dict[str, Any]:
    """Return the models of the nouns whose addresses may change, by noun."""
    return {
        noun: resource._meta.model
        for noun, resource in NOUNS.items()
        if issubclass(resource._meta.model, (Slugged, Source))
    }


def _old_slug_rows() -> Iterator[Sequence[object]]:
    for noun, model in _slugged().items():
        record = model.objects.filter(pk=OuterRef("record_id")).values(address_field(model))[:1]
        slugs = (
            OldSlug.objects.filter(noun=model._meta.model_name)
            .annotate(record=Subquery(record, output_field=CharField()))
            .exclude(record=None)
            .order_by(by_bytes("slug"))
            .values_list("slug", "record")
        )
        for slug, now in slugs.iterator(chunk_size=CHUNK):
            yield noun, slug, now


# In.


def open_tables(package: PackageFile, folder: Path) -> tuple[list[tuple[str, Rows]], Rows | None]:
    """Unpack a package of ours into the folder; return its nouns' rows and its old slugs.

    Raises NotAPackage where it was changed, WrongTables where it holds something else.
    """
    known = {noun: resource().columns for noun, resource in NOUNS.items()}
    known[OLD_SLUGS] = [field.name for field in _OLD_SLUG_COLUMNS]
    for member in package.members:
        if member.columns != known.get(member.name):
            raise WrongTables(
                _(
                    "%(file)s cannot be imported. Use a file written by "
                    "`export_package` or exported by the newsroom, not a list that "
                    "readers download."
                )
                % {"file": member.path}
            )
    found = {
        member.name: read_csv(package.unpack(member, folder), member.columns)
        for member in package.members
    }
    return [(noun, found[noun]) for noun in NOUNS if noun in found], found.get(OLD_SLUGS)


def old_keys_of_sources(rows: Rows) -> Iterator[str]:
    """Yield the old keys of sources among the old slugs of a package."""
    sources = next(noun for noun, model in _slugged().items() if model is Source)
    for row in rows:
        cells = dict(zip(rows.columns, row.cells, strict=True))
        if cells["noun"] == sources:
            yield str(cells["slug"])


def write_old_slugs(rows: Rows) -> int:
    """Keep the old slugs of a package, for the records that are there now; return their number.

    Raises UnreadableFile where one is of a record that does not exist.
    """
    models, kept = _slugged(), 0
    iterator = (dict(zip(rows.columns, row.cells, strict=True)) for row in rows)
    while chunk := list(islice(iterator, CHUNK)):
        for noun in {str(cells["noun"]) for cells in chunk}:
            of_noun = [cells for cells in chunk if cells["noun"] == noun]
            kept += _remember(models.get(noun), noun, of_noun)
    return kept


def _remember(model: Any, noun: str, chunk: list[dict[str, Any]]) -> int:
    now = [cells["record"] for cells in chunk]
    field = address_field(model) if model else "slug"
    records = model.objects.filter(**{f"{field}__in": now}) if model else OldSlug.objects.none()
    ids = dict(records.values_list(field, "pk"))
    if missing := [slug for slug in now if slug not in ids]:
        raise UnreadableFile(
            _("data/%(table)s.csv: %(noun)s has no record %(record)s.")
            % {"table": OLD_SLUGS, "record": missing[0], "noun": noun}
        )
    pairs = [(cells["slug"], ids[cells["record"]]) for cells in chunk]
    before = OldSlug.objects.count()
    OldSlug.objects.remember(model, pairs)
    return OldSlug.objects.count() - before
