"""Writing a noun's records out: as the CSV file that goes back in, and in other forms."""

from collections.abc import Iterator

from allies.exports.site_package import export_record_package
from allies.file_formats import CONTENT_TYPES, check_length, csv_lines, xlsx_blocks
from allies.imports.resources import RESOURCES

#: Forms a noun goes out in → what the web calls such a file.
FORMATS = CONTENT_TYPES


def export_file_name(noun: str, form: str) -> str:
    """Return what a noun's file in this form is called."""
    return f"{noun}.{form}"


def export_csv(noun: str) -> Iterator[str]:
    """Yield every record of a noun as a CSV file, piece by piece, in an order of its own words."""
    resource = RESOURCES[noun]()
    return csv_lines(resource.columns, resource.export_rows())


def export_records(noun: str, form: str) -> Iterator[bytes]:
    """Return every record of a noun as a file in one of FORMS, piece by piece.

    The rows and their order are those of ``export_csv``. Raises TooMuch, before anything is
    written, where there are more records than an Excel sheet has rows.
    """
    if form == "zip":
        return export_record_package(noun)
    if form == "csv":
        return (text.encode() for text in export_csv(noun))
    resource = RESOURCES[noun]()
    check_length(resource.model._default_manager.count())
    return xlsx_blocks(resource.columns, resource.export_rows(), sheet=noun)
