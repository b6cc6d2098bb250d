"""Export all records of a record type as CSV, XLSX or a data package."""

from collections.abc import Iterator

from allies.exports.site_package import export_record_package
from allies.file_formats import CONTENT_TYPES, check_length, csv_lines, xlsx_blocks
from allies.imports.resources import RESOURCES

#: Formats of an export → their content types.
FORMATS = CONTENT_TYPES


def export_file_name(noun: str, form: str) -> str:
    """Return the file name of an export."""
    return f"{noun}.{form}"


def export_csv(noun: str) -> Iterator[str]:
    """Yield all records of a record type as CSV, in parts, sorted by natural keys.

    The file can be imported again.
    """
    resource = RESOURCES[noun]()
    return csv_lines(resource.columns, resource.export_rows())


def export_records(noun: str, form: str) -> Iterator[bytes]:
    """Return all records of a record type as a file in one of FORMATS, in parts.

    The rows and their order are those of ``export_csv``. Raises SheetTooLarge, before anything is
    written, if there are more records than an Excel sheet has rows.
    """
    if form == "zip":
        return export_record_package(noun)
    if form == "csv":
        return (text.encode() for text in export_csv(noun))
    resource = RESOURCES[noun]()
    check_length(resource.model._default_manager.count())
    return xlsx_blocks(resource.columns, resource.export_rows(), sheet=noun)
