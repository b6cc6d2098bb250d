"""Rebuild the search index."""

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from allies.search.index import rebuild_index


class Command(BaseCommand):
    help = "Rebuild the search index; needed after changes made outside the application."

    def handle(self, *args: object, **options: object) -> None:
        number = rebuild_index()
        self.stdout.write(_("%(number)s records are in the search index.") % {"number": number})
