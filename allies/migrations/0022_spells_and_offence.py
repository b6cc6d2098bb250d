"""Periods in which states existed, and their permissions; offence as an obligation."""

import django.db.models.deletion
import simple_history.models
from django.apps import apps as live_apps
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

import allies.models.fields

#: Group → what its members may do with the periods of existence; as with countries.
ACTIONS = {
    "Editors": ("view",),
    "Reviewers": ("view", "add", "change", "delete"),
    "Data managers": ("view", "import", "export"),
}


def give_permissions(apps, schema_editor):
    # Permissions are made after all migrations; these groups need theirs now.
    create_permissions(live_apps.get_app_config("allies"), verbosity=0, apps=apps)
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    for group in Group.objects.filter(name__in=ACTIONS):
        names = [f"{action}_spell" for action in ACTIONS[group.name]]
        group.permissions.add(
            *Permission.objects.filter(content_type__app_label="allies", codename__in=names)
        )


class Migration(migrations.Migration):
    dependencies = [
        ("allies", "0021_names_coverage_votes"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="offence",
            field=models.BooleanField(blank=True, null=True, verbose_name="offence obligation"),
        ),
        migrations.AddField(
            model_name="historicalmembership",
            name="offence",
            field=models.BooleanField(blank=True, null=True, verbose_name="offence obligation"),
        ),
        migrations.CreateModel(
            name="Spell",
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
                    "country",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="spells",
                        to="allies.country",
                        verbose_name="country",
                    ),
                ),
                (
                    "began",
                    allies.models.fields.EDTFField(
                        blank=True, default="", max_length=40, verbose_name="began"
                    ),
                ),
                ("began_earliest", allies.models.fields.EarliestDayField("began")),
                ("began_latest", allies.models.fields.LatestDayField("began")),
                (
                    "ended",
                    allies.models.fields.EDTFField(
                        blank=True,
                        default="",
                        help_text="Empty if the state still exists.",
                        max_length=40,
                        verbose_name="ended",
                    ),
                ),
                ("ended_earliest", allies.models.fields.EarliestDayField("ended")),
                ("ended_latest", allies.models.fields.LatestDayField("ended")),
            ],
            options={
                "verbose_name": "period of existence",
                "verbose_name_plural": "periods of existence",
                "ordering": ["began_latest", "pk"],
                "abstract": False,
                "default_permissions": ("add", "change", "delete", "view", "import", "export"),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("country", "began"),
                        name="spell_once",
                        violation_error_message="This country already has a period with this beginning.",  # noqa: E501
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ended_latest__isnull", True),
                            ("began_earliest__isnull", True),
                            ("ended_latest__gte", models.F("began_earliest")),
                            _connector="OR",
                        ),
                        name="spell_ends_after_start",
                        violation_error_message="A state cannot end before it begins.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HistoricalSpell",
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
                    "began",
                    allies.models.fields.EDTFField(
                        blank=True, default="", max_length=40, verbose_name="began"
                    ),
                ),
                ("began_earliest", allies.models.fields.EarliestDayField("began")),
                ("began_latest", allies.models.fields.LatestDayField("began")),
                (
                    "ended",
                    allies.models.fields.EDTFField(
                        blank=True,
                        default="",
                        help_text="Empty if the state still exists.",
                        max_length=40,
                        verbose_name="ended",
                    ),
                ),
                ("ended_earliest", allies.models.fields.EarliestDayField("ended")),
                ("ended_latest", allies.models.fields.LatestDayField("ended")),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.TextField(null=True)),
                (
                    "history_type",
                    models.CharField(
                        choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")],
                        max_length=1,
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
                    "country",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="allies.country",
                        verbose_name="country",
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
                "verbose_name": "historical period of existence",
                "verbose_name_plural": "historical periods of existence",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.RunPython(give_permissions, migrations.RunPython.noop),
    ]
