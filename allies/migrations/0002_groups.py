"""Create the groups: editors draft, reviewers publish, data managers import and export."""

from django.apps import apps as live_apps
from django.contrib.auth.management import create_permissions
from django.db import migrations

RECORDS = ("source", "alliance", "event", "allylist")
JOINS = ("membership", "participation", "entry", "seealso", "citation")
REFERENCE = ("country", "alias")


def _rights(actions, nouns):
    return {f"{action}_{noun}" for action in actions for noun in nouns}


DRAFTS = _rights(("view", "add", "change", "delete"), RECORDS + JOINS) | _rights(
    ("view",), REFERENCE
)
GROUPS = {
    "Editors": DRAFTS,
    "Reviewers": DRAFTS
    | _rights(("publish",), RECORDS)
    | _rights(("add", "change", "delete"), REFERENCE),
    "Data managers": _rights(("view", "import", "export"), RECORDS + JOINS + REFERENCE),
}


def make_groups(apps, schema_editor):
    # Rights are made after all migrations; these groups need theirs now.
    create_permissions(live_apps.get_app_config("allies"), verbosity=0, apps=apps)
    Group = apps.get_model("auth", "Group")
    Permission = apps.get_model("auth", "Permission")
    for name, rights in GROUPS.items():
        group, _made = Group.objects.get_or_create(name=name)
        group.permissions.set(
            Permission.objects.filter(content_type__app_label="allies", codename__in=rights)
        )


def drop_groups(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name__in=GROUPS).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("allies", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make_groups, drop_groups)]
