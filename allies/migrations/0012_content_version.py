"""Add the counter behind the content version; its triggers are set after every migration."""

from django.db import migrations, models


def without_triggers(apps, schema_editor):
    from allies.db.content_version import uninstall_triggers

    uninstall_triggers(schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [("allies", "0011_search")]

    operations = [
        migrations.CreateModel(
            name="ContentChange",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("n", models.BigIntegerField()),
            ],
        ),
        migrations.RunPython(migrations.RunPython.noop, without_triggers),
    ]
