"""Add the search index: a table, with FTS5 on SQLite and a tsvector on PostgreSQL.

Both follow the table automatically, so code that writes the table need not update them. To alter a
table on SQLite, Django creates a new one, which loses the triggers. A migration that changes this
table has to run ``index`` again.
"""

import django.db.models.deletion
from django.db import migrations, models

#: The texts are normalized words and spaces, so neither database changes them.
POSTGRESQL = [
    """
    ALTER TABLE allies_searchtext ADD COLUMN words tsvector GENERATED ALWAYS AS (
        setweight(to_tsvector('simple'::regconfig, names), 'A')
        || setweight(to_tsvector('simple'::regconfig, body), 'D')
    ) STORED
    """,
    "CREATE INDEX searchtext_words ON allies_searchtext USING gin (words)",
]
SQLITE = [
    """
    CREATE VIRTUAL TABLE allies_searchtext_fts USING fts5(
        names, body, content='allies_searchtext', content_rowid='id',
        tokenize='unicode61 remove_diacritics 2', prefix='1 2 3'
    )
    """,
    """
    CREATE VIRTUAL TABLE allies_searchtext_vocab USING fts5vocab(allies_searchtext_fts, row)
    """,
    """
    CREATE TRIGGER searchtext_added AFTER INSERT ON allies_searchtext BEGIN
        INSERT INTO allies_searchtext_fts(rowid, names, body)
        VALUES (new.id, new.names, new.body);
    END
    """,
    """
    CREATE TRIGGER searchtext_removed AFTER DELETE ON allies_searchtext BEGIN
        INSERT INTO allies_searchtext_fts(allies_searchtext_fts, rowid, names, body)
        VALUES ('delete', old.id, old.names, old.body);
    END
    """,
    """
    CREATE TRIGGER searchtext_changed AFTER UPDATE ON allies_searchtext BEGIN
        INSERT INTO allies_searchtext_fts(allies_searchtext_fts, rowid, names, body)
        VALUES ('delete', old.id, old.names, old.body);
        INSERT INTO allies_searchtext_fts(rowid, names, body)
        VALUES (new.id, new.names, new.body);
    END
    """,
]
SQLITE_BACK = [
    "DROP TRIGGER searchtext_changed",
    "DROP TRIGGER searchtext_removed",
    "DROP TRIGGER searchtext_added",
    "DROP TABLE allies_searchtext_vocab",
    "DROP TABLE allies_searchtext_fts",
]


def index(apps, schema_editor):
    for statement in SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL:
        schema_editor.execute(statement)


def no_index(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for statement in SQLITE_BACK:
            schema_editor.execute(statement)
    else:  # the index goes with the column
        schema_editor.execute("ALTER TABLE allies_searchtext DROP COLUMN words")


class Migration(migrations.Migration):
    dependencies = [
        ("allies", "0010_editions"),
    ]

    operations = [
        migrations.CreateModel(
            name="SearchText",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("noun", models.CharField(max_length=20)),
                ("record_id", models.BigIntegerField()),
                ("names", models.TextField()),
                ("body", models.TextField()),
                ("first", models.DateField(null=True)),
                ("last", models.DateField(null=True)),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("noun", "record_id"), name="searchtext_one_a_record"
                    )
                ],
            },
        ),
        migrations.RunPython(index, no_index),
        # For the number of events by role: the unique rule's index has the country in between.
        migrations.AlterField(
            model_name="participation",
            name="event",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="participations",
                to="allies.event",
                verbose_name="event",
            ),
        ),
        migrations.AddIndex(
            model_name="participation",
            index=models.Index(fields=["event", "role"], name="participation_event_role"),
        ),
        migrations.RunSQL("ANALYZE allies_participation", migrations.RunSQL.noop),
    ]
