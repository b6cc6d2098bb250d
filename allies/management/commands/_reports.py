"""Import reports on a terminal."""

from typing import Any

from django.core.management.base import CommandError, OutputWrapper
from django.utils.translation import gettext as _

from allies.exchange.report import Report


def show(reports: list[Report], *, commit: bool, out: OutputWrapper) -> None:
    """Print what was done or would be; raise CommandError where rows were refused."""
    for report in reports:
        out.write(report.summary())
        for error in report.errors:
            out.write(f"  {error}")
        if report.error_count > len(report.errors):
            out.write(
                _("  … and %(count)d errors more")
                % {"count": report.error_count - len(report.errors)}
            )
        if report.unsupported:
            out.write(
                _(
                    "  %(count)d records are marked published but lack a supporting citation "
                    "to a published source: readers do not see them yet."
                )
                % {"count": report.unsupported}
            )
    if not all(report.ok for report in reports):
        raise CommandError(_("Nothing was written. Mend the rows named above and try again."))
    if not commit:
        out.write(_("Nothing was written. Add --commit to apply this."))


def progress_on(stream: Any) -> Any:
    """Return a callback that shows the number of rows done, where a person watches."""
    if not stream.isatty():
        return None

    def progress(rows: int) -> None:
        stream.write(f"\r{rows:,}", ending="")
        stream.flush()

    return progress
