"""The counts of a changeset, as shown in the admin."""

from django.utils.text import capfirst
from django.utils.translation import gettext_lazy

from allies.imports.resources import RESOURCE_BY_MODEL_NAME, RESOURCES
from allies.models import Changeset

#: The counts per record type, with their labels.
COUNT_LABELS = (
    ("rows", gettext_lazy("Rows")),
    ("created", gettext_lazy("New")),
    ("updated", gettext_lazy("Changed")),
    ("unchanged", gettext_lazy("Unchanged")),
    ("repeated", gettext_lazy("Duplicates")),
    ("likely", gettext_lazy("May already exist")),
    ("matched", gettext_lazy("Recognised")),
    ("moved", gettext_lazy("Moved to another country")),
    ("left_out", gettext_lazy("Skipped")),
    ("refused", gettext_lazy("Refused")),
    ("deleted", gettext_lazy("Deleted")),
    ("restored", gettext_lazy("Restored")),
    ("returned", gettext_lazy("Recreated")),
)


def model_label(noun: str) -> str:
    """Return the name of a record type; an unknown name is returned unchanged."""
    if noun not in RESOURCES:
        return noun
    return capfirst(str(RESOURCES[noun]._meta.model._meta.verbose_name_plural))


def total_counts(changeset: Changeset) -> dict[str, int]:
    totals: dict[str, int] = {}
    for counts in changeset.counts.values():
        for name, number in counts.items():
            totals[name] = totals.get(name, 0) + number
    return totals


def count_table(changeset: Changeset) -> dict[str, object]:
    """Return the counts as a table: one row per record type, without columns that are all zero."""
    totals = total_counts(changeset)
    columns = [(name, label) for name, label in COUNT_LABELS if totals.get(name)]
    rows = []
    for name, counts in changeset.counts.items():
        rows.append(
            (
                model_label(RESOURCE_BY_MODEL_NAME[name]),
                [counts.get(column, 0) for column, _label in columns],
            )
        )
    return {"columns": [label for _name, label in columns], "rows": rows}
