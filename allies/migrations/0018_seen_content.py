from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("allies", "0017_forms"),
    ]

    operations = [
        migrations.AddField(
            model_name="appointment",
            name="content",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
        migrations.AddField(
            model_name="keptform",
            name="is_of_gone_record",
            field=models.BooleanField(default=False),
        ),
    ]
