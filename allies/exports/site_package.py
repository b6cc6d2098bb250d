"""Export the whole site as one data package, and read it back."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from django.db.models import CharField, OuterRef, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from allies.datapackage import Field, ForeignKey, PackageFile, Table, package_blocks
from allies.datapackage.metadata import (
    describe_column,
    describe_package,
    describe_source,
    last_change_time,
)
from allies.db.router import current_connection
from allies.db.snapshot_transaction import snapshot_transaction
from allies.evidence.data_sets import cited_data_sets
from allies.imports.own_csv import UnreadableFile, read_csv
from allies.imports.resources import RESOURCES, RecordResource
from allies.imports.resources.base import byte_order
from allies.imports.rows import Rows
from allies.imports.widgets import ChoiceWidget
from allies.models import OldSlug, SlugMixin, Source, url_field

#: The table of former slugs of records, and its columns.
OLD_SLUGS = "old-slugs"
_OLD_SLUG_COLUMNS = (
    Field("noun", gettext_lazy("record type"), gettext_lazy("The table that contains the record.")),
    Field("slug", gettext_lazy("old slug"), gettext_lazy("A former slug of the record.")),
    Field("record", gettext_lazy("slug"), gettext_lazy("The current slug of the record.")),
)

#: Old slugs read and written at a time.
CHUNK_ROWS = 1_000


class UnknownTables(UnreadableFile):
    """A data package with tables that are not this site's; the text says which."""


# Export.


def export_record_package(noun: str) -> Iterator[bytes]:
    """Yield the data package of one record type."""
    resource = RESOURCES[noun]()
    title = resource.model._meta.verbose_name_plural
    return package_blocks(
        describe_package(title, changed=last_change_time(), name=noun), [build_table(resource)]
    )


def export_site_package() -> Iterator[bytes]:
    """Yield the data package of all records and old slugs, read in one snapshot."""
    with snapshot_transaction(current_connection()):
        tables = [build_table(resource(), whole_site=True) for resource in RESOURCES.values()]
        yield from package_blocks(
            describe_package(gettext_lazy("all records"), changed=last_change_time()),
            [*tables, _old_slugs()],
        )


def build_table(resource: RecordResource, *, whole_site: bool = False) -> Table:
    """Return the table of a record type, with the data sets that it rests on; one query.

    ``whole_site`` adds foreign keys, because the package then has the tables they refer to.
    """
    records = resource.model._default_manager.all()
    return Table(
        name=resource.noun,
        title=resource.model._meta.verbose_name_plural,
        fields=[_column(resource, field) for field in resource.get_export_fields()],
        rows=resource.export_rows(),
        primary_key=resource.primary_key,
        foreign_keys=tuple(_foreign_keys(resource)) if whole_site else (),
        sources=[describe_source(one) for one in cited_data_sets(records)],
    )


def _column(resource: RecordResource, field: Any) -> Field:
    cell = field.widget
    return describe_column(
        resource.model._meta.get_field(field.attribute),
        name=field.column_name,
        note=cell.note,
        type=cell.schema_type,
        choices=tuple(cell.choices) if isinstance(cell, ChoiceWidget) else (),
    )


def _foreign_keys(resource: RecordResource) -> Iterator[ForeignKey]:
    """Yield the foreign keys that refer to an exported column of another table."""
    tables = {other._meta.model: other for other in RESOURCES.values()}
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


def _models_with_slugs() -> dict[str, Any]:
    """Return the models whose slugs may change, by record type."""
    return {
        noun: resource._meta.model
        for noun, resource in RESOURCES.items()
        if issubclass(resource._meta.model, (SlugMixin, Source))
    }


def _old_slug_rows() -> Iterator[Sequence[object]]:
    for noun, model in _models_with_slugs().items():
        record = model.objects.filter(pk=OuterRef("record_id")).values(url_field(model))[:1]
        slugs = (
            OldSlug.objects.filter(noun=model._meta.model_name)
            .annotate(record=Subquery(record, output_field=CharField()))
            .exclude(record=None)
            .order_by(byte_order("slug"))
            .values_list("slug", "record")
        )
        for slug, now in slugs.iterator(chunk_size=CHUNK_ROWS):
            yield noun, slug, now


# Import.


def open_tables(package: PackageFile, folder: Path) -> tuple[list[tuple[str, Rows]], Rows | None]:
    """Unpack a site package into the folder; return its rows per record type and its old slugs.

    Raises InvalidDataPackage if it was changed, UnknownTables if it contains other tables.
    """
    known = {noun: resource().columns for noun, resource in RESOURCES.items()}
    known[OLD_SLUGS] = [field.name for field in _OLD_SLUG_COLUMNS]
    for member in package.members:
        if member.columns != known.get(member.name):
            raise UnknownTables(
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
    return [(noun, found[noun]) for noun in RESOURCES if noun in found], found.get(OLD_SLUGS)


def old_keys_of_sources(rows: Rows) -> Iterator[str]:
    """Yield the former source keys from a package's table of old slugs."""
    sources = next(noun for noun, model in _models_with_slugs().items() if model is Source)
    for row in rows:
        cells = dict(zip(rows.columns, row.cells, strict=True))
        if cells["noun"] == sources:
            yield str(cells["slug"])


def write_old_slugs(rows: Rows) -> int:
    """Save a package's old slugs for the existing records; return how many were new.

    Raises UnreadableFile if one belongs to a record that does not exist.
    """
    models, kept = _models_with_slugs(), 0
    iterator = (dict(zip(rows.columns, row.cells, strict=True)) for row in rows)
    while chunk := list(islice(iterator, CHUNK_ROWS)):
        for noun in {str(cells["noun"]) for cells in chunk}:
            of_noun = [cells for cells in chunk if cells["noun"] == noun]
            kept += _save_old_slugs(models.get(noun), noun, of_noun)
    return kept


def _save_old_slugs(model: Any, noun: str, chunk: list[dict[str, Any]]) -> int:
    now = [cells["record"] for cells in chunk]
    field = url_field(model) if model else "slug"
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
