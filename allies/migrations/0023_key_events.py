"""Key events: the events that editors choose for an entry of a list, in their order."""

import django.core.validators
import django.db.models.deletion
import simple_history.models
from django.apps import apps as live_apps
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

#: Group → its permissions on key events; the same as on entries.
GROUPS = {
    "Editors": ("view", "add", "change", "delete"),
    "Reviewers": ("view", "add", "change", "delete"),
    "Data managers": ("view", "import", "export"),
}


def grant_permissions(apps, schema_editor):
    # Permissions are created after all migrations; these groups need theirs now.
    create_permissions(live_apps.get_app_config("allies"), verbosity=0, apps=apps)
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    for name, actions in GROUPS.items():
        codes = [f"{action}_keyevent" for action in actions]
        found = Permission.objects.filter(content_type__app_label="allies", codename__in=codes)
        for group in Group.objects.filter(name=name):
            group.permissions.add(*found)


class Migration(migrations.Migration):
    dependencies = [
        ("allies", "0022_spells_and_offence"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="HistoricalKeyEvent",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        auto_created=True, blank=True, db_index=True, verbose_name="ID"
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(blank=True, editable=False, verbose_name="created"),
                ),
                (
                    "updated_at",
                    models.DateTimeField(blank=True, editable=False, verbose_name="updated"),
                ),
                (
                    "position",
                    models.PositiveSmallIntegerField(
                        default=1,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="position",
                    ),
                ),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(
                        choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1
                    ),
                ),
                (
                    "changeset",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="allies.changeset",
                        verbose_name="changeset",
                    ),
                ),
                (
                    "entry",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="allies.entry",
                        verbose_name="entry",
                    ),
                ),
                (
                    "event",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="allies.event",
                        verbose_name="event",
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical key event",
                "verbose_name_plural": "historical key events",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="KeyEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
                (
                    "position",
                    models.PositiveSmallIntegerField(
                        default=1,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="position",
                    ),
                ),
                (
                    "entry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="key_events",
                        to="allies.entry",
                        verbose_name="entry",
                    ),
                ),
                (
                    "event",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="key_event_of",
                        to="allies.event",
                        verbose_name="event",
                    ),
                ),
            ],
            options={
                "verbose_name": "key event",
                "verbose_name_plural": "key events",
                "ordering": ["entry", "position", "pk"],
                "abstract": False,
                "default_permissions": ("add", "change", "delete", "view", "import", "export"),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("entry", "event"),
                        name="keyevent_once",
                        violation_error_message="This entry already shows this event.",
                    )
                ],
            },
        ),
        migrations.RunPython(grant_permissions, migrations.RunPython.noop),
    ]
