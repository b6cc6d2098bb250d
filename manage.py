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

    if sys.argv[1:2] != ["makemigrations"]:  # it writes source code, which is not private
        set_private_umask()
    try:
        settings.DEBUG  # noqa: B018  (loads all settings)
    except (ImproperlyConfigured, EnvError) as refused:
        if "--traceback" in sys.argv:
            raise
        # The cause is a variable in the environment, so a traceback of the code does not help.
        sys.exit(f"The site does not start. {refused}")
    execute_from_command_line(sys.argv)
