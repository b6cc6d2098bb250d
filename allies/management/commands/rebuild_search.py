"""Make the search index anew."""

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from allies.search.index import rebuild


class Command(BaseCommand):
    help = "Make the search index anew; needed after records were written past the application."

    def handle(self, *args: object, **options: object) -> None:
        number = rebuild()
        self.stdout.write(_("%(number)s records can be searched.") % {"number": number})
