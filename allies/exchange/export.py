"""Writing a noun's records out as the CSV file that goes back in."""

from collections.abc import Iterator

from allies.exchange.resources import NOUNS
from allies.tabular import csv_lines


def export_csv(noun: str) -> Iterator[str]:
    """Yield every record of a noun as the lines of a CSV file, in an order of its own words."""
    resource = NOUNS[noun]()
    return csv_lines(resource.columns, resource.export_rows())
