"""Grant the permissions to view and undo changesets."""

from django.apps import apps as live_apps
from django.contrib.auth.management import create_permissions
from django.db import migrations

RIGHTS = {"Reviewers": {"view_changeset"}, "Data managers": {"view_changeset", "undo_changeset"}}


def give_rights(apps, schema_editor):
    # Rights are made after all migrations; these groups need theirs now.
    create_permissions(live_apps.get_app_config("allies"), verbosity=0, apps=apps)
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    for name, rights in RIGHTS.items():
        for group in Group.objects.filter(name=name):
            group.permissions.add(
                *Permission.objects.filter(content_type__app_label="allies", codename__in=rights)
            )


class Migration(migrations.Migration):
    dependencies = [("allies", "0003_changesets")]

    operations = [migrations.RunPython(give_rights, migrations.RunPython.noop)]
