"""Add the log of permissions granted and revoked."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("allies", "0012_content_version"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RightsChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(auto_now_add=True, verbose_name="when")),
                ("whom", models.CharField(max_length=200, verbose_name="whose")),
                ("what", models.CharField(max_length=300, verbose_name="right")),
                ("given", models.BooleanField(verbose_name="given")),
                (
                    "by",
                    models.ForeignKey(
                        help_text="Nobody: from the command line.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by whom",
                    ),
                ),
            ],
            options={
                "verbose_name": "right given or taken",
                "verbose_name_plural": "rights given and taken",
                "ordering": ("-at", "-pk"),
                "default_permissions": ("view",),
            },
        ),
    ]
