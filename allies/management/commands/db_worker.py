"""Run the job worker. If the database becomes unavailable, it waits until it is back."""

import logging
import time
from typing import Any

from django.db import InterfaceError, OperationalError, connections
from django_tasks_db.management.commands.db_worker import Command as WorkerCommand

from allies.db.errors import is_database_away

log = logging.getLogger(__name__)

#: Seconds between two attempts.
RETRY_SECONDS = 2


class Command(WorkerCommand):
    def handle(self, *args: object, **options: Any) -> None:
        while True:
            try:
                super().handle(*args, **options)
                return
            except (OperationalError, InterfaceError) as error:
                if not is_database_away(error):
                    raise
                log.warning("The database is not available (%s); waiting for it.", error)
                connections.close_all()
                time.sleep(RETRY_SECONDS)
