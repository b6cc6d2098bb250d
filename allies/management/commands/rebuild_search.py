"""Make the search index anew."""

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from allies.search.index import rebuild


class Command(BaseCommand):
    help = "Rebuild the search index; needed after changes made outside the application."

    def handle(self, *args: object, **options: object) -> None:
        number = rebuild()
        self.stdout.write(_("%(number)s records are in the search index.") % {"number": number})
