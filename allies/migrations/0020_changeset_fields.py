"""Give each meaning of ``layout`` and ``mapping`` of a changeset a field of its own.

Imports, merges and undos used the same two fields for different things.
"""

from django.db import migrations, models


def split(apps, schema_editor):
    changesets = apps.get_model("allies", "Changeset").objects.using(schema_editor.connection.alias)
    for pk, effects in _values(changesets, "merge", "file_format"):
        if "led" in effects:
            effects["redirects"] = effects.pop("led")
        changesets.filter(pk=pk).update(file_format={}, merge_effects=effects)
    for pk, options in _values(changesets, "undo", "mapping"):
        changesets.filter(pk=pk).update(mapping={}, undo_also=options.get("also", []))
    for pk, mapping in _values(changesets, "import", "mapping"):
        if mapping.keys() == {"names"}:
            changesets.filter(pk=pk).update(mapping={}, mapping_names=mapping["names"])


def join(apps, schema_editor):
    changesets = apps.get_model("allies", "Changeset").objects.using(schema_editor.connection.alias)
    for pk, effects in _values(changesets, "merge", "merge_effects"):
        if "redirects" in effects:
            effects["led"] = effects.pop("redirects")
        changesets.filter(pk=pk).update(file_format=effects)
    for pk, also in _values(changesets, "undo", "undo_also"):
        changesets.filter(pk=pk).update(mapping={"also": also})
    for pk, names in _values(changesets, "import", "mapping_names"):
        changesets.filter(pk=pk).update(mapping={"names": names})


def _values(changesets, kind, field):
    """Return (id, value) of all changesets of a kind in which this field is not empty.

    They are read before the first of them is written.
    """
    found = changesets.filter(kind=kind).order_by().values_list("pk", field)
    return [(pk, value) for pk, value in found.iterator() if value]


class Migration(migrations.Migration):
    dependencies = [("allies", "0019_words")]

    operations = [
        migrations.RenameField("changeset", "layout", "file_format"),
        migrations.AlterField(
            "changeset",
            "file_format",
            models.JSONField(
                blank=True,
                default=dict,
                help_text="How the file is read. Needed only until the import is applied.",
            ),
        ),
        migrations.AddField(
            "changeset", "mapping_names", models.JSONField(blank=True, default=list)
        ),
        migrations.AddField(
            "changeset",
            "undo_also",
            models.JSONField(
                blank=True,
                default=list,
                help_text="Later edits to undo as well. Needed only until the undo is applied.",
            ),
        ),
        migrations.AddField(
            "changeset", "merge_effects", models.JSONField(blank=True, default=dict)
        ),
        migrations.RunPython(split, join),
    ]
