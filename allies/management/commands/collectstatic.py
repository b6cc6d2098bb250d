"""Collect static files with public read permission, because a proxy may serve them."""

from django.contrib.staticfiles.management.commands.collectstatic import Command as Collect

from config.file_permissions import public_umask


class Command(Collect):
    def handle(self, **options: object) -> str | None:
        with public_umask():
            return super().handle(**options)
