"""Publish and withdraw scheduled records that are due, for a site without a job worker."""

from django.core.management.base import BaseCommand

from allies.actions.scheduling import run_due


class Command(BaseCommand):
    help = "Publish and withdraw the records that are scheduled for now or earlier."

    def handle(self, *args: object, **options: object) -> None:
        for appointment in run_due():
            outcome = appointment.problem or "done"
            self.stdout.write(f"{appointment}: {outcome}")
