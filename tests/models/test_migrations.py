"""Every migration can be reversed and applied again, with data in its tables."""

import pytest


@pytest.mark.slow
def test_migrations_can_be_reversed_and_reapplied_with_data(live_site):
    live_site.shell(
        "from django.contrib.auth.models import User;"
        "from django.test import Client;"
        "from allies.models import *;"
        "root = User.objects.create_superuser('root');"
        "root.groups.add(1);"
        "c = Client(SERVER_NAME='localhost'); c.force_login(root);"
        "russia = Country.objects.get(alpha3='RUS');"
        "form = {'country': russia.pk, 'name': 'Rossiya 7', '_save': '1'};"
        "assert c.post('/en/admin/allies/alias/add/', form).status_code == 302;"
        "assert Changeset.objects.filter(kind='edit').exists();"
        "Correction.objects.create(noun='event', record_id=1, text='x', language='en')"
    )
    names = live_site.shell(
        "from django.db import connection;"
        "from django.db.migrations.loader import MigrationLoader;"
        "found = MigrationLoader(connection).disk_migrations;"
        "print(*sorted(name for app, name in found if app == 'allies'))"
    ).split()
    assert len(names) >= 13
    back = [*reversed(names[:-1]), "zero"]
    live_site.shell(
        "from django.core.management import call_command\n"
        f"for name in {back}: call_command('migrate', 'allies', name, verbosity=0)\n"
        "call_command('migrate', verbosity=0)\n"
        "call_command('load_demo_data', verbosity=0)"
    )
    said = live_site.shell(
        "from allies.models import Event; print(Event.objects.published().count())"
    )
    assert int(said) > 10
