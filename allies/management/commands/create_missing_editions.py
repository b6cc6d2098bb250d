"""Create an edition of each published list without one.

This is needed once, on a site that is older than editions.
"""

from django.core.management.base import BaseCommand

from allies.actions.editions import create_missing_editions


class Command(BaseCommand):
    help = "Create edition 1 of every published list without editions."

    def handle(self, *args: object, **options: object) -> None:
        made = create_missing_editions()
        for edition in made:
            self.stdout.write(f"{edition.key} {edition.sha256}")
        self.stdout.write(f"{len(made)} editions created.")
