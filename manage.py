#!/usr/bin/env python
"""The command line of the site: `python manage.py help`."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from environs import EnvError

    from config.file_permissions import set_private_umask

    if sys.argv[1:2] != ["makemigrations"]:  # which writes source code
        set_private_umask()
    try:
        settings.DEBUG  # noqa: B018  (which reads them all)
    except (ImproperlyConfigured, EnvError) as refused:
        if "--traceback" in sys.argv:
            raise
        # Who started the site mends the environment, not the code a traceback shows.
        sys.exit(f"The site does not start. {refused}")
    execute_from_command_line(sys.argv)
