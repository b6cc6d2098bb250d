"""Log other changes to accounts too, and store the name of the user who made them."""

from django.db import migrations, models
from django.db.models import OuterRef, Subquery

#: Logged changes to accounts and groups from before they had a kind of their own.
ACCOUNT_WORDS = ("is_active", "is_staff", "is_superuser", "account", "group")


def fill(apps, schema_editor):
    RightsChange = apps.get_model("allies", "RightsChange")
    User = apps.get_model("auth", "User")
    names = User.objects.filter(pk=OuterRef("by")).values("username")
    RightsChange.objects.exclude(by=None).update(by_name=Subquery(names))
    RightsChange.objects.filter(what__in=ACCOUNT_WORDS).update(kind="account")


class Migration(migrations.Migration):
    dependencies = [
        ("allies", "0015_import_files"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="rightschange",
            options={
                "default_permissions": ("view",),
                "ordering": ("-at", "-pk"),
                "verbose_name": "change to accounts and rights",
                "verbose_name_plural": "changes to accounts and rights",
            },
        ),
        migrations.AddField(
            model_name="rightschange",
            name="by_name",
            field=models.CharField(blank=True, default="", max_length=200, verbose_name="by whom"),
        ),
        migrations.AddField(
            model_name="rightschange",
            name="kind",
            field=models.CharField(default="right", max_length=10),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
