"""Print or email a summary of what needs attention, such as proposals and failed imports."""

from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.core.management.base import BaseCommand, CommandParser
from django.utils import translation
from django.utils.translation import gettext as _

from allies.editorial.alerts import count_alerts, format_count
from allies.models import Changeset, Correction


class Command(BaseCommand):
    help = "Print or mail a summary of what needs attention in the newsroom."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--mail", nargs="+", metavar="ADDRESS", help="send it to these addresses"
        )
        parser.add_argument("--language", choices=dict(settings.LANGUAGES), default="en")

    def handle(self, *args: object, **options: Any) -> None:
        with translation.override(options["language"]):
            title = _("%(site)s: needs attention") % {"site": settings.SITE_NAME}
            text = "\n".join([title, "", *_lines()])
        if options["mail"]:
            send_mail(title, text, None, options["mail"])
        else:
            self.stdout.write(text)


def _lines() -> list[str]:
    lines = [
        f"{count:>6}  {label}"
        for count, label in (
            (Changeset.objects.proposed().count(), _("Open proposals")),
            (Correction.objects.waiting().count(), _("Corrections from readers")),
            (Changeset.objects.failed().count(), _("Failed imports")),
        )
        if count
    ]
    for found in count_alerts(None, lambda right, model: True):
        lines.append(f"{format_count(found.count):>6}  {found.label}")
    return lines or [_("Nothing needs attention.")]
