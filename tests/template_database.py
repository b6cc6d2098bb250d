"""The test database: a copy of the prepared database, restored after tests that commit.

Django would run all migrations for each test process. After a test that commits, it would empty all
tables and load the rows again. Copies take a tenth of a second.
"""

import sqlite3

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections

from allies.db.content_version import reset_version
from tests.prepared_site import STARTER, sqlite_folder


class TemplateDatabase:
    """The test database; ``restore`` restores it, with a new content version."""

    def create(self):
        """Create the database, and connect to it instead of the site's."""
        connection.close()
        name = connection.creation._get_test_db_name()
        settings.DATABASES[DEFAULT_DB_ALIAS]["NAME"] = connection.settings_dict["NAME"] = name
        self.restore()

    def restore(self):
        self._copy_template()
        reset_version()

    @staticmethod
    def of_connection():
        """Return the test database, by the vendor of its connection."""
        return {"sqlite": SqliteDatabase, "postgresql": PostgresqlDatabase}[connection.vendor]()


class SqliteDatabase(TemplateDatabase):
    """A database in memory, copied from another one."""

    def __init__(self):
        self._template = sqlite3.connect(":memory:")
        with sqlite3.connect(sqlite_folder() / f"{STARTER}.sqlite3") as file:
            file.backup(self._template)
        file.close()

    def _copy_template(self):
        connection.ensure_connection()
        self._template.backup(connection.connection)


class PostgresqlDatabase(TemplateDatabase):
    """A database in the cluster of the test process, which also contains its template."""

    def _copy_template(self):
        name = connection.settings_dict["NAME"]
        connections[DEFAULT_DB_ALIAS].close()
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{STARTER}"')
