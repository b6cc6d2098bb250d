"""Keep old names of commands working for one release, with a hint at the new name."""

from typing import Any

from django.core.management.base import BaseCommand


def with_old_name(command: type[BaseCommand], old: str, new: str) -> type[BaseCommand]:
    """Return a command that prints its new name to stderr and then runs the new command."""

    class OldCommand(command):  # type: ignore[misc,valid-type]
        help = f"Old name of {new}."

        def handle(self, *args: Any, **options: Any) -> str | None:
            self.stderr.write(f"{old} was renamed to {new}. The next release has only {new}.")
            result: str | None = super().handle(*args, **options)
            return result

    return OldCommand
