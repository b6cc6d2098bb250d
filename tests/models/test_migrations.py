"""Every migration can be reversed and applied again, with data in its tables."""

import json

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


@pytest.mark.slow
def test_changesets_keep_their_data_when_their_fields_were_split(live_site):
    """A merge from before can be undone, and imports and undos keep what they need."""
    live_site.shell(
        "from django.contrib.auth.models import User;"
        "from allies.actions.merge import merge_records;"
        "from allies.models import *;"
        "from tests import factories;"
        "root = User.objects.create_superuser('root');"
        "keep, drop = factories.source(), factories.source();"
        "merge_records(keep=keep, drop=drop, chosen={}, user=root, reason='twice');"
        "Changeset.objects.create(reason='command', mapping_names=['COW', 'Names']);"
        "Changeset.objects.create("
        "    reason='upload', file_format={'kind': 'text'}, mapping={'name': 'M', 'nouns': []}"
        ");"
        "undone = Changeset.objects.get(reason='upload');"
        "Changeset.objects.create(kind='undo', undoes=undone, reason='undo', undo_also=['all'])"
    )
    assert rows_at(live_site, "0019_words", "layout", "mapping") == {
        "command": [{}, {"names": ["COW", "Names"]}],
        "undo": [{}, {"also": ["all"]}],
        "upload": [{"kind": "text"}, {"name": "M", "nouns": []}],
    }
    names = ("file_format", "mapping", "mapping_names", "undo_also")
    assert rows_at(live_site, "0020_changeset_fields", *names) == {
        "command": [{}, {}, ["COW", "Names"], []],
        "undo": [{}, {}, [], ["all"]],
        "upload": [{"kind": "text"}, {"name": "M", "nouns": []}, [], []],
    }
    live_site.manage("migrate", "-v0")
    undone = live_site.shell(
        "from allies.actions.undo import new_undo_changeset, undo_changeset;"
        "from allies.models import *;"
        "merge = Changeset.objects.get(kind='merge');"
        "by = new_undo_changeset(merge, user=None);"
        "led = OldSlug.objects.filter(noun='source', record_id=merge.about_id);"
        "before = led.count();"
        "undo_changeset(changeset=merge, by=by, user=None);"
        "merged = Source.objects.filter(pk=merge.merge_effects['dropped']);"
        "print(before, led.count(), merged.count())"
    )
    assert undone == "1 0 1"


def rows_at(site, migration, *names):
    """Migrate to a migration; return these fields of each import and undo by its reason."""
    return json.loads(
        site.shell(
            "import json\n"
            "from django.core.management import call_command\n"
            "from django.db import connection\n"
            "from django.db.migrations.loader import MigrationLoader\n"
            f"call_command('migrate', 'allies', {migration!r}, verbosity=0)\n"
            f"state = MigrationLoader(connection).project_state(('allies', {migration!r}))\n"
            "found = state.apps.get_model('allies', 'Changeset').objects\n"
            "found = found.filter(reason__in=('command', 'undo', 'upload'))\n"
            f"rows = found.values_list('reason', {', '.join(map(repr, names))})\n"
            "print(json.dumps({reason: values for reason, *values in rows}))"
        )
    )
