"""Create an account for the admin."""

import secrets
import sys
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

#: How many times a password can be typed before the command fails.
MAX_ATTEMPTS = 3


class Command(BaseCommand):
    help = (
        "Create an account for the admin and put it into a group, which decides what it may do. "
        "The password is asked for, or generated and printed once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the user name to sign in with")
        parser.add_argument("--group", required=True, help='like "Editors" or "Reviewers"')
        parser.add_argument("--email", default="", help="an email address, if there is one")
        parser.add_argument(
            "--generate-password",
            action="store_true",
            help="generate a password and print it, instead of asking for one",
        )

    def handle(
        self,
        *args: Any,
        name: str,
        group: str,
        email: str,
        generate_password: bool,
        **options: Any,
    ) -> None:
        users = get_user_model()
        account = users(
            username=users.normalize_username(name),
            email=users.objects.normalize_email(email),
            is_staff=True,
        )
        chosen = self._get_group(group)
        self._validate(account)
        password = secrets.token_urlsafe(12) if generate_password else self._ask_password(account)
        account.set_password(password)
        with transaction.atomic():
            account.save()
            account.groups.add(chosen)
        self.stdout.write(
            self.style.SUCCESS(f"Account “{account}” created in the group “{chosen}”.")
        )
        if generate_password:
            self.stdout.write(f"Password, shown only now: {password}")
        self.stdout.write("Sign in at /en/admin/ and change the password there.")

    def _get_group(self, name: str) -> Group:
        """Return the group with this name; raise CommandError with all names if there is none."""
        names = sorted(Group.objects.values_list("name", flat=True))
        if not names:
            raise CommandError("There are no groups yet. Run `manage.py migrate` first.")
        if name not in names:
            raise CommandError(f"There is no group “{name}”. Choose one of: {', '.join(names)}.")
        return Group.objects.get(name=name)

    def _validate(self, account: Any) -> None:
        """Raise CommandError if the name is taken or invalid, or if the email is invalid."""
        if type(account).objects.filter(username__iexact=account.username).exists():
            raise CommandError(
                f"There is already an account “{account}”. Choose another name, or set a new "
                f"password with `manage.py changepassword {account}`."
            )
        try:
            account.clean_fields(exclude=["password"])
        except ValidationError as error:
            problems = error.message_dict.items()
            lines = [f"{field}: {' '.join(messages)}" for field, messages in problems]
            raise CommandError("\n".join(lines)) from error

    def _ask_password(self, account: Any) -> str:
        """Return a valid password that was typed twice.

        Raises CommandError if there is no terminal, or after MAX_ATTEMPTS.
        """
        if not sys.stdin.isatty():
            raise CommandError(
                "A password can be typed in a terminal only. Add --generate-password."
            )
        for _attempt in range(MAX_ATTEMPTS):
            password = getpass("Password: ")
            if password != getpass("Password (again): "):
                self.stderr.write("The two passwords differ. Try again.")
                continue
            try:
                validate_password(password, account)
            except ValidationError as error:
                self.stderr.write("\n".join(error.messages))
                continue
            return password
        raise CommandError(f"No account was created: {MAX_ATTEMPTS} passwords were refused.")
