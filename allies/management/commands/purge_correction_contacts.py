"""Delete email addresses of readers 90 days after the decision on their correction."""

from django.core.management.base import BaseCommand
from django.utils import timezone

from allies.models import Correction


class Command(BaseCommand):
    help = "Delete the email addresses of readers 90 days after the decision on their correction."

    def handle(self, *args: object, **options: object) -> None:
        self.stdout.write(f"deleted: {Correction.objects.all().purge_contacts(timezone.now())}")
