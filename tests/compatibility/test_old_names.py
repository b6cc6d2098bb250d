"""Names of the previous release still work: variables, commands and dotted paths."""

import io

import pytest
from django.core.management import call_command, get_commands, load_command_class
from django.utils.module_loading import import_string
from django_tasks.base import Task

from allies.compatibility.old_paths import OLD_PATHS
from allies.link_checking.archive import get_archive_client
from allies.monitoring.system_checks import check_variable_names
from config.env_parsers import OLD_NAMES, apply_old_names, env

COMMANDS = {
    "forget_contacts": "purge_correction_contacts",
    "keep_appointments": "publish_scheduled",
    "load_starter": "load_demo_data",
    "make_missing_editions": "create_missing_editions",
    "rebuild_search": "rebuild_search_index",
    "weekly_summary": "send_editorial_digest",
}


def test_old_variable_sets_new_one():
    environ = {"ALLIES_HTTPS": "true"}
    assert apply_old_names(environ) == ["ALLIES_HTTPS"]
    assert environ["ALLIES_FORCE_HTTPS"] == "true"


def test_new_variable_wins_over_old_one():
    environ = {"ALLIES_HTTPS": "true", "ALLIES_FORCE_HTTPS": "false"}
    apply_old_names(environ)
    assert environ["ALLIES_FORCE_HTTPS"] == "false"


def test_old_variables_are_read_by_their_new_names():
    assert {*OLD_NAMES.values()} <= {*env.dump()}
    assert not {*OLD_NAMES} & {*env.dump()}


def test_check_names_new_variable(settings):
    assert check_variable_names() == []
    settings.OLD_VARIABLES = ["ALLIES_HTTPS"]
    (warning,) = check_variable_names()
    assert warning.id == "allies.W004"
    assert "ALLIES_FORCE_HTTPS" in warning.msg and "ALLIES_FORCE_HTTPS" in warning.hint


@pytest.mark.parametrize(("old", "new"), COMMANDS.items())
def test_old_command_runs_new_one(old, new):
    commands = get_commands()
    old_class, new_class = (type(load_command_class(commands[n], n)) for n in (old, new))
    assert issubclass(old_class, new_class)


@pytest.mark.django_db
def test_old_command_names_new_one():
    errors = io.StringIO()
    call_command("keep_appointments", stdout=io.StringIO(), stderr=errors)
    assert "publish_scheduled" in errors.getvalue()


@pytest.mark.parametrize(
    "path", [f"{old}.{name}" for old, (_new, names) in OLD_PATHS.items() for name in names]
)
def test_old_path_leads_to_current_object(path):
    found = import_string(path)
    old, _dot, name = path.rpartition(".")
    module, names = OLD_PATHS[old]
    assert found is import_string(f"{module}.{names[name]}")
    assert isinstance(found, Task) or name == "InternetArchive"


def test_old_archive_client_is_found(settings):
    settings.ARCHIVE_CLIENT = "allies.links.archive.InternetArchive"
    assert type(get_archive_client()).__module__ == "allies.link_checking.archive"


def test_old_path_has_no_other_names():
    with pytest.raises(ImportError):
        import_string("allies.jobs.nothing_like_it")
