"""Add the keys that find duplicate sources, and the credit that a source prints."""

from django.db import migrations, models

import allies.models.fields
from allies.text.normalize import title_key
from allies.text.urls import url_key

#: Sources read and written at a time.
CHUNK = 1_000


def fill_keys(apps, schema_editor):
    """Fill in the keys of existing sources and of their versions, which can be restored."""
    for name in ("Source", "HistoricalSource"):
        model = apps.get_model("allies", name)
        last = 0
        while True:
            found = model.objects.filter(pk__gt=last).order_by("pk")
            chunk = list(found.only("url", "archive_url", "title", "publisher")[:CHUNK])
            if not chunk:
                break
            for source in chunk:
                source.url_key = url_key(source.url)
                source.archive_key = url_key(source.archive_url)
                source.title_key = title_key(source.title, source.publisher)
            model.objects.bulk_update(
                chunk, ["url_key", "archive_key", "title_key"], batch_size=200
            )
            last = chunk[-1].pk


class Migration(migrations.Migration):
    dependencies = [
        ("allies", "0007_links"),
    ]

    operations = [
        migrations.AddField(
            model_name="historicalsource",
            name="archive_key",
            field=allies.models.fields.URLKeyField("archive_url", max_length=200),
        ),
        migrations.AddField(
            model_name="historicalsource",
            name="credit",
            field=models.CharField(
                blank=True,
                default="",
                help_text="As printed: “Melansir DW”, “Source: Reuters”.",
                max_length=300,
                verbose_name="credit",
            ),
        ),
        migrations.AddField(
            model_name="historicalsource",
            name="title_key",
            field=allies.models.fields.TitleKeyField("title", "publisher", max_length=200),
        ),
        migrations.AddField(
            model_name="historicalsource",
            name="url_key",
            field=allies.models.fields.URLKeyField("url", max_length=200),
        ),
        migrations.AddField(
            model_name="source",
            name="archive_key",
            field=allies.models.fields.URLKeyField("archive_url", max_length=200),
        ),
        migrations.AddField(
            model_name="source",
            name="credit",
            field=models.CharField(
                blank=True,
                default="",
                help_text="As printed: “Melansir DW”, “Source: Reuters”.",
                max_length=300,
                verbose_name="credit",
            ),
        ),
        migrations.AddField(
            model_name="source",
            name="title_key",
            field=allies.models.fields.TitleKeyField("title", "publisher", max_length=200),
        ),
        migrations.AddField(
            model_name="source",
            name="url_key",
            field=allies.models.fields.URLKeyField("url", max_length=200),
        ),
        migrations.AddIndex(
            model_name="source",
            index=models.Index(fields=["url_key"], name="source_url_key"),
        ),
        migrations.AddIndex(
            model_name="source",
            index=models.Index(fields=["archive_key"], name="source_archive_key"),
        ),
        migrations.AddIndex(
            model_name="source",
            index=models.Index(fields=["title_key"], name="source_title_key"),
        ),
        migrations.RunPython(fill_keys, migrations.RunPython.noop),
    ]
