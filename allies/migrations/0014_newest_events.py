from django.db import migrations, models

import allies.models.fields


def without_its_list_of_words(apps, schema_editor):
    """Drop SQLite's table of the index's words, because it includes those of drafts."""
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TABLE allies_searchtext_vocab")


def with_its_list_of_words(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute(
            "CREATE VIRTUAL TABLE allies_searchtext_vocab "
            "USING fts5vocab(allies_searchtext_fts, row)"
        )


class Migration(migrations.Migration):
    dependencies = [
        ("allies", "0013_rights_record"),
    ]

    operations = [
        migrations.AlterField(
            model_name="event",
            name="date_latest",
            field=allies.models.fields.LatestDayField("date"),
        ),
        migrations.AlterField(
            model_name="historicalevent",
            name="date_latest",
            field=allies.models.fields.LatestDayField("date"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                fields=["status", "-date_latest", "-date_earliest", "slug"], name="event_newest"
            ),
        ),
        migrations.RunPython(without_its_list_of_words, with_its_list_of_words),
    ]
