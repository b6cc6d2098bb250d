"""Let a country be only a beneficiary of an alliance, and so not tied to other beneficiaries."""

from django.db import migrations, models

ROLES = [
    ("member", "member"),
    ("guarantor", "guarantor"),
    ("beneficiary", "beneficiary"),
    ("observer", "observer"),
    ("associate", "associate"),
]


def role():
    return models.CharField(choices=ROLES, default="member", max_length=12, verbose_name="role")


def beneficiaries_become_members(apps, schema_editor):
    """Make beneficiaries members, as before, when this is reversed."""
    memberships = apps.get_model("allies", "Membership").objects
    memberships.filter(role="beneficiary").update(role="member")


class Migration(migrations.Migration):
    dependencies = [
        ("allies", "0024_byline_sort_keys"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="membership", name="membership_role_known"),
        migrations.AlterField(model_name="historicalmembership", name="role", field=role()),
        migrations.AlterField(model_name="membership", name="role", field=role()),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", sorted(value for value, _label in ROLES))),
                name="membership_role_known",
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, beneficiaries_become_members),
    ]
