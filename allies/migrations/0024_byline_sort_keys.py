"""Add the byline of lists, and the keys that countries are sorted by in each language."""

from django.db import migrations, models

import allies.models.fields
from allies.text.normalize import sort_key

#: Rows read and written at a time.
CHUNK = 500


def fill_sort_keys(apps, schema_editor):
    """Fill in the keys of existing countries and of their versions, which can be restored."""
    for name in ("Country", "HistoricalCountry"):
        rows = apps.get_model("allies", name).objects.using(schema_editor.connection.alias)
        last = 0
        while chunk := list(rows.filter(pk__gt=last).order_by("pk")[:CHUNK]):
            for country in chunk:
                country.sort_en = sort_key(country.name_en or country.name_ind)
                country.sort_ind = sort_key(country.name_ind or country.name_en)
            rows.bulk_update(chunk, ["sort_en", "sort_ind"], batch_size=100)
            last = chunk[-1].pk


def byline():
    return models.CharField(
        blank=True,
        default="",
        help_text="Who wrote the list, like “Dana Putri and Budi Santoso”.",
        max_length=200,
        verbose_name="byline",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("allies", "0023_key_events"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="country",
            options={
                "default_permissions": ("add", "change", "delete", "view", "import", "export"),
                "ordering": ["sort_en", "pk"],
                "verbose_name": "country",
                "verbose_name_plural": "countries",
            },
        ),
        *(
            migrations.AddField(model_name=model, name="byline", field=byline())
            for model in ("allylist", "historicalallylist")
        ),
        *(
            migrations.AddField(
                model_name=model,
                name=f"sort_{own}",
                field=allies.models.fields.SortKeyField(
                    f"name_{own}", f"name_{other}", max_length=200
                ),
            )
            for model in ("country", "historicalcountry")
            for own, other in (("en", "ind"), ("ind", "en"))
        ),
        migrations.RunPython(fill_sort_keys, migrations.RunPython.noop),
    ]
