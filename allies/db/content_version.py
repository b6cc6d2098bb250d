"""The content version: a number that changes whenever public pages may change.

Triggers on every table that public pages read count the writes, in the transaction that writes.
So a transaction sees the new number exactly if it sees the new content. In PostgreSQL each
transaction counts in a row of its own, so that writers do not wait for each other. SQLite has one
writer at a time and needs one row only.
"""

import secrets

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections

from allies.db.ping import query_integer

TABLE = "allies_contentchange"

#: Tables of this app that no public page reads.
UNWATCHED_TABLES = frozenset(
    {
        TABLE,
        "allies_appointment",
        "allies_jobfile",
        "allies_keptform",
        "allies_linkcheck",
        "allies_mapping",
        "allies_openform",
        "allies_previewlink",
        "allies_rightschange",
        "allies_sending",
        "allies_sentform",
        "allies_usedtoken",
    }
)

#: Selects the content version.
_VERSION_SQL = f"SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) FROM {TABLE}"  # noqa: S608

_TRIGGER_FUNCTION = f"""
CREATE OR REPLACE FUNCTION allies_content_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO {TABLE} (id, n) VALUES (pg_current_xact_id()::text::bigint, 1)
    ON CONFLICT (id) DO UPDATE SET n = {TABLE}.n + 1;
    RETURN NULL;
END $$
"""  # noqa: S608  # a name of ours

#: Merges the rows of many transactions into one. If two sessions merge at once, the row lock
#: ensures that each row is counted once.
_COMPACT_SQL = f"""
WITH gone AS (DELETE FROM {TABLE} WHERE id > 0 RETURNING n)
INSERT INTO {TABLE} (id, n) SELECT 0, COALESCE(SUM(n), 0) FROM gone
ON CONFLICT (id) DO UPDATE SET n = {TABLE}.n + excluded.n
"""  # noqa: S608


def watched_tables() -> list[str]:
    """Return the names of the tables whose writes are counted: all but UNWATCHED_TABLES."""
    models = apps.get_app_config("allies").get_models(include_auto_created=True)
    return sorted({model._meta.db_table for model in models} - UNWATCHED_TABLES)


def content_version(using: str = DEFAULT_DB_ALIAS) -> int:
    """Return the content version as this connection sees it. One query on a tiny table."""
    return query_integer(using, _VERSION_SQL)


def reset_version(using: str = DEFAULT_DB_ALIAS) -> None:
    """Set a random version that was never used before, after restoring a backup for example."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {TABLE} (id, n) VALUES (0, %s) "  # noqa: S608
            "ON CONFLICT (id) DO UPDATE SET n = excluded.n",
            [secrets.randbits(48)],
        )


def compact(using: str = DEFAULT_DB_ALIAS) -> None:
    """Merge the rows of many transactions into one. The version stays the same."""
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_COMPACT_SQL)


def install_triggers(using: str = DEFAULT_DB_ALIAS, **_signal: object) -> None:
    """Create all triggers that are missing, and set a new version because of the migration.

    To alter a table in SQLite, Django creates a new one, which loses the triggers.
    """
    connection = connections[using]
    tables = connection.introspection.table_names()
    if TABLE not in tables:
        return  # migrated back to a state without the table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_TRIGGER_FUNCTION)
        for table in watched_tables():
            if table in tables:
                for statement in _triggers(connection.vendor, table):
                    cursor.execute(statement)
    compact(using)
    reset_version(using)


def _triggers(vendor: str, table: str) -> list[str]:
    if vendor == "postgresql":
        return [
            f"CREATE OR REPLACE TRIGGER {table}_counted "
            f"AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION allies_content_changed()"
        ]
    return [
        f"CREATE TRIGGER IF NOT EXISTS {table}_counted_{event} AFTER {event} ON {table} BEGIN "  # noqa: S608
        f"INSERT INTO {TABLE} (id, n) VALUES (0, 1) ON CONFLICT (id) DO UPDATE SET n = n + 1; END"
        for event in ("INSERT", "UPDATE", "DELETE")
    ]


def uninstall_triggers(using: str = DEFAULT_DB_ALIAS) -> None:
    """Drop all triggers, before the table they write to is dropped."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("DROP FUNCTION IF EXISTS allies_content_changed() CASCADE")
            return
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in cursor.fetchall():
            if "_counted_" in name:
                cursor.execute(f"DROP TRIGGER {name}")
