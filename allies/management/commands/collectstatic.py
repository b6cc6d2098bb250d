"""Collect static files, readable by everybody: a proxy may serve them."""

from django.contrib.staticfiles.management.commands.collectstatic import Command as Collect

from config.permissions import writing_for_everybody


class Command(Collect):
    def handle(self, **options: object) -> str | None:
        with writing_for_everybody():
            return super().handle(**options)
