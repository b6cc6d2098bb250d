"""What is no renaming: small edits to the renamed tree, each anchored on what stands there.

``apply`` does them in order. An anchor that is not there any more ends it with its name.
"""

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent


class Missing(SystemExit):
    pass


class Tree:
    def __init__(self, root):
        self.root = Path(root)

    def read(self, path):
        return (self.root / path).read_text()

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def replace(self, path, old, new, count=1):
        text = self.read(path)
        if old not in text:
            raise Missing(f"patch: {path} has no {old!r}")
        self.write(path, text.replace(old, new) if count == 0 else text.replace(old, new, count))

    def sub(self, path, pattern, new, flags=0):
        text, number = re.subn(pattern, new, self.read(path), count=1, flags=flags)
        if not number:
            raise Missing(f"patch: {path} has nothing like {pattern!r}")
        self.write(path, text)

    def cut(self, path, name):
        """Take a class or function out of a module; return its text."""
        text = self.read(path)
        for node in ast.parse(text).body:
            if getattr(node, "name", None) == name:
                first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
                lines = text.split("\n")
                block = "\n".join(lines[first - 1 : node.end_lineno])
                self.write(path, "\n".join(lines[: first - 1] + lines[node.end_lineno :]))
                return block
        raise Missing(f"patch: {path} has no {name}")


PATCHES = []


def patch(function):
    PATCHES.append(function)
    return function


def apply(root):
    tree = Tree(root)
    for one in PATCHES:
        one(tree)
        print("patched:", one.__name__.replace("_", " "))


@patch
def app_imports_what_registers_itself(t):
    t.sub(
        "allies/apps.py",
        r"(        post_migrate\.connect\(install, sender=self\)\n)(        from [^\n]*\n)+",
        r'''\1        # Importing these modules connects their signal handlers and registers their checks.
        from allies.accounts import permission_audit, sessions  # noqa: F401
        from allies.evidence.grouping.grouping import guards  # noqa: F401
        from allies.evidence.grouping.grouping import system_checks as evidence_checks  # noqa: F401
        from allies.history.steps.steps import changeset_context  # noqa: F401
        from allies.link_checking import system_checks as link_checks  # noqa: F401
        from allies.monitoring import system_checks as monitoring_checks  # noqa: F401
        from allies.search import index  # noqa: F401
''',
    )


@patch
def lint_exceptions_follow_their_files(t):
    t.sub(
        "pyproject.toml",
        r'"allies/\{actions,exchange\}/\{undo_sets,writer,plan,recognise\}\.py" = ([^\n]*)\n'
        r'"allies/\{filters/facets,models/writing\}\.py" = ([^\n]*)\n',
        r'"allies/{actions/undo_sql,imports/writer,imports/plan,imports/matching}.py" = \1' "\n"
        r'"allies/{filters/facets,history/changeset_context}.py" = \2' "\n",
    )


@patch
def marker_of_tests_that_run_on_sqlite_only(t):
    t.sub("pyproject.toml", r'"once: ', '"sqlite_only: ')
    t.sub("Makefile", r"not once and", "not sqlite_only and")
    text = t.read("docs/testing.md")
    t.write("docs/testing.md", re.sub(r"`once`", "`sqlite_only`", text))


@patch
def mutation_targets_follow_their_modules(t):
    t.replace(
        "tests/mutation/targets.py",
        '    "allies/models",\n',
        '    "allies/editions/content.py",\n    "allies/evidence/guards.py",\n'
        '    "allies/evidence/origin_suggestions.py",\n    "allies/history/changeset_context.py",\n'
        '    "allies/history/clock.py",\n    "allies/history/snapshots.py",\n'
        '    "allies/models",\n    "allies/ties",\n',
    )
    t.replace(
        "tests/mutation/targets.py",
        '    "tests/models",\n',
        '    "tests/citations/test_footnotes.py",\n    "tests/evidence",\n    "tests/exports",\n'
        '    "tests/form_submissions",\n    "tests/history/test_clock.py",\n    "tests/models",\n'
        '    "tests/ties",\n',
    )


@patch
def planner_and_validation_are_no_circle(t):
    """The planned row and what the validation asks of a planner get a module of their own."""
    block = t.cut("allies/imports/planner.py", "PlannedRow")
    t.write(
        "allies/imports/planned_row.py",
        '"""Rows of an import between matching and validation."""\n\n'
        "from dataclasses import dataclass\n"
        "from typing import Any, Protocol\n\n"
        "from allies.imports.columns import Column\nfrom allies.imports.matching import ParsedRow\n\n\n"
        + block
        + "\n\n\nclass PlannerColumns(Protocol):\n"
        '    """The part of a planner that validation uses: the columns of its file."""\n\n'
        "    column_index: dict[Any, int]\n    columns: list[Column]\n"
        "    lacking: list[tuple[str, str, str]]\n\n"
        "    def name(self, column: str) -> str: ...\n\n"
        "    def display(self, row: ParsedRow, column: str) -> str: ...\n",
    )
    t.sub(
        "allies/imports/planner.py",
        r"from allies\.imports\.references import",
        "from allies.imports.planned_row import PlannedRow\nfrom allies.imports.references import",
    )
    t.sub(
        "allies/imports/validation.py",
        r"\nif TYPE_CHECKING:\n(    from [^\n]*\n)+",
        "",
    )
    t.sub(
        "allies/imports/validation.py",
        r"from allies\.imports\.plan import Plan\n",
        "from allies.imports.columns import Column\nfrom allies.imports.matching import ParsedRow\n"
        "from allies.imports.plan import Plan\n"
        "from allies.imports.planned_row import PlannedRow, PlannerColumns\n",
    )
    text = t.read("allies/imports/validation.py").replace("TYPE_CHECKING, ", "")
    text = text.replace("RecordPlanner", "PlannerColumns")
    text = re.sub(r'"((?:list\[)?(?:PlannedRow|PlannerColumns|Column|ParsedRow)\]?)"', r"\1", text)
    t.write("allies/imports/validation.py", text)


@patch
def sources_know_nothing_of_suggestions(t):
    """Origin suggestions stand on sources and citations; sources no longer lead back to them."""
    t.sub(
        "allies/models/source.py",
        r"    def likely_originals\(.*?(?=\n    def )",
        "",
        re.S,
    )
    t.sub("allies/models/source.py", r"\n    \n", "\n\n") if "\n    \n" in t.read(
        "allies/models/source.py"
    ) else None
    t.sub(
        "allies/models/source.py",
        r"if TYPE_CHECKING:\n    from allies\.evidence\.origin_suggestions import [^\n]*\n\n",
        "",
    )
    t.replace("allies/models/source.py", "from typing import TYPE_CHECKING, Any", "from typing import Any")
    for path in ("allies/admin/source.py", "tests/admin/test_sources.py", "tests/models/test_origins.py"):
        t.replace(path, "Source.objects.likely_originals(", "suggest_origins(", 0)
        t.sub(
            path,
            r"\nfrom allies\.",
            "\nfrom allies.evidence.grouping.origin_suggestions import suggest_origins\nfrom allies.",
        )


@patch
def layers_of_the_new_packages(t):
    t.sub(
        "tests/test_conventions.py",
        r"LAYERS = \(\n.*?\n\)\n",
        '''LAYERS = (
    {"text", "file_formats"},
    {"models"},
    {"ties"},
    {"editions", "evidence", "history", "search"},
    {"actions", "filters"},
    {"imports", "views", "templatetags"},
    {"api", "exports"},
    {"admin"},
)
''',
        re.S,
    )
    text = t.read("tests/test_conventions.py")
    start = text.index("def test_what_rooms_share")
    t.write(
        "tests/test_conventions.py",
        text[:start]
        + '''#: Packages that everything may use: they know neither pages nor the admin.
SHARED = {path.name for path in PACKAGE_ROOT.iterdir() if (path / "__init__.py").exists()} - {
    *("accounts", "api", "admin", "admin_site", "exports", "imports", "management", "migrations", "templatetags"),
    "views",
}


@pytest.mark.parametrize("package", sorted(SHARED))
def test_shared_packages_import_neither_pages_nor_admin(package):
    for file in (PACKAGE_ROOT / package).rglob("*.py"):
        names = [name for name in imported(file) if name.startswith("allies.")]
        packages = {name.split(".")[1] for name in names}
        assert not packages & {"views", "api", "admin"}, file.relative_to(PACKAGE_ROOT)


def test_loose_modules_are_only_those_of_the_app():
    assert {file.name for file in PACKAGE_ROOT.glob("*.py")} == {
        *("__init__.py", "apps.py", "tasks.py", "urls.py")
    }


def test_models_are_imported_by_everything_and_import_only_text():
    for file in (PACKAGE_ROOT / "models").glob("*.py"):
        for name in imported(file):
            if name.startswith("allies."):
                assert name.split(".")[1] in {"models", "text"}, f"{file.name} imports {name}"


def modules_imported_at_once(file):
    """Yield what a module imports when it is imported, not what its functions import later."""
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield f"{node.module}.{alias.name}"
                yield node.module


def test_modules_import_one_another_in_no_circle():
    root = PACKAGE_ROOT.parent
    files = {
        ".".join(file.relative_to(root).with_suffix("").parts): file
        for file in PACKAGE_ROOT.rglob("*.py")
        if file.name != "__init__.py" and "migrations" not in file.parts
    }
    graph = {name: {*modules_imported_at_once(f)} & files.keys() for name, f in files.items()}
    while free := {name for name, needs in graph.items() if not needs & graph.keys()}:
        for name in free:
            del graph[name]
    assert not graph
''',
    )


@patch
def long_line_in_a_script(t):
    """A script inside a test became longer than a line may be."""
    text = t.read("tests/browser/test_review.py")
    if re.search(r"^event = factories.event\(.{75,}$", text, re.M):
        t.sub("tests/browser/test_review.py", r'(status="draft"), (title_en)', r"\1,\n    \2")


def decisions():
    import tomllib

    return tomllib.loads((HERE / "decisions.toml").read_text())


@patch
def old_names_of_variables_work_for_one_release(t):
    names = decisions()["environment"]
    table = "".join(f'    "{old}": "{new}",\n' for old, new in names.items())
    t.sub(
        "config/env_parsers.py",
        r"\nenv = Env\(\)\n",
        f'''
env = Env()

#: Environment variables that were renamed: old name → new name. The old names work for one release.
OLD_NAMES = {{
{table}}}
''',
    )
    t.sub(
        "config/env_parsers.py",
        r'\n\n@env\.parser_for\("server"\)',
        '''

def apply_old_names(environ: MutableMapping[str, str]) -> list[str]:
    """Set each renamed variable from its old name, unless it is set; return the old names in use."""
    found = [old for old in OLD_NAMES if old in environ]
    for old in found:
        environ.setdefault(OLD_NAMES[old], environ[old])
    return found


@env.parser_for("server")''',
    )
    t.sub(
        "config/env_parsers.py",
        r"from collections\.abc import Callable\n",
        "from collections.abc import Callable, MutableMapping\n",
    )
    t.sub(
        "config/settings.py",
        r"from config\.env_parsers import ",
        "from config.env_parsers import OLD_NAMES, apply_old_names, ",
    )
    t.sub(
        "config/settings.py",
        r"\nBASE_DIR = ([^\n]*)\n",
        r'''
BASE_DIR = \1

# Variables set by the names they had before; a system check reports them (allies.W004).

OLD_VARIABLES = apply_old_names(os.environ)
''',
    )
    t.sub(
        "config/settings.py",
        r'if name\.startswith\("ALLIES_"\)\} - env\.dump\(\)\.keys\(\)',
        'if name.startswith("ALLIES_")} - {*env.dump(), *OLD_NAMES}',
    )
    t.write(
        "allies/monitoring/system_checks.py",
        t.read("allies/monitoring/system_checks.py").rstrip("\n")
        + '''


@register()
def check_variable_names(**_options: object) -> list[CheckMessage]:
    """Warn about environment variables that are set by an old name."""
    return [
        Warning(
            f"The environment variable {old} was renamed to {OLD_NAMES[old]}.",
            hint=f"Set {OLD_NAMES[old]} instead. The next release ignores {old}.",
            id="allies.W004",
        )
        for old in settings.OLD_VARIABLES
    ]
''',
    )
    t.sub(
        "allies/monitoring/system_checks.py",
        r"\nfrom config\.file_permissions import",
        "\nfrom config.env_parsers import OLD_NAMES\nfrom config.file_permissions import",
    )


@patch
def old_names_of_commands_work_for_one_release(t):
    t.write(
        "allies/management/old_command.py",
        '''"""Old names of commands: they work for one release and name the new command."""

from typing import Any

from django.core.management.base import BaseCommand


def with_old_name(command: type[BaseCommand], old: str, new: str) -> type[BaseCommand]:
    """Return a command that prints its new name to stderr and then does what the new one does."""

    class OldCommand(command):  # type: ignore[misc,valid-type]
        help = f"Old name of {new}."

        def execute(self, *args: Any, **options: Any) -> str | None:
            self.stderr.write(f"{old} was renamed to {new}. The next release has only {new}.")
            result: str | None = super().execute(*args, **options)
            return result

    return OldCommand
''',
    )
    for old, new in decisions()["commands"].items():
        t.write(
            f"allies/management/commands/{old}.py",
            f'"""Old name of ``{new}``; it works for one release."""\n\n'
            f"from allies.management.commands import {new}\n"
            "from allies.management.old_command import with_old_name\n\n"
            f'Command = with_old_name({new}.Command, "{old}", "{new}")\n',
        )


@patch
def old_dotted_paths_work_for_one_release(t):
    t.write(
        "allies/compatibility/__init__.py",
        '"""What the release before wrote down by names that changed since."""\n',
    )
    t.write(
        "allies/compatibility/old_paths.py",
        '''"""Dotted paths that were written down: tasks in the queue, and ALLIES_ARCHIVE_CLIENT.

They work for one release. Tasks that were queued before an upgrade run after it.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

#: Old module → its module now, and for each old name the name now.
OLD_PATHS = {
    "allies.imports.tasks": (
        "allies.imports.tasks",
        {"read": "read_file", "check": "check_file", "apply": "apply_changeset"},
    ),
    "allies.tasks": (
        "allies.tasks",
        {"after_import": "refresh_statistics", "keep_due_appointments": "run_due_schedules"},
    ),
    "allies.link_checking.archive": (
        "allies.link_checking.archive",
        {"InternetArchive": "InternetArchive"},
    ),
    "allies.link_checking.tasks": ("allies.link_checking.tasks", {"check_links": "check_links"}),
}


class OldModule(ModuleType):
    """A module by its old path; its names are looked up where they are now."""

    def __getattr__(self, name: str) -> Any:
        module, names = OLD_PATHS[self.__name__]
        if name not in names:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(import_module(module), names[name])


def install() -> None:
    """Make the old paths importable, once per process."""
    for path in OLD_PATHS:
        sys.modules.setdefault(path, OldModule(path))
''',
    )
    t.sub(
        "allies/apps.py",
        r"        # Importing these modules connects",
        "        from allies.compatibility import old_paths\n\n        old_paths.install()\n"
        "        # Importing these modules connects",
    )
    t.write("tests/compatibility/__init__.py", "")
    t.write(
        "tests/compatibility/test_old_names.py",
        '''"""Names of the release before: variables, commands and dotted paths still work."""

import io

import pytest
from django.core.management import call_command, get_commands, load_command_class
from django.utils.module_loading import import_string
from django_tasks import Task

from allies.compatibility.old_paths import OLD_PATHS
from allies.link_checking.archive import get_archive_client
from allies.monitoring.system_checks import check_variable_names
from config.env_parsers import OLD_NAMES, apply_old_names, env

COMMANDS = {
    "purge_correction_contacts": "purge_correction_contacts",
    "publish_scheduled": "publish_scheduled",
    "load_demo_data": "load_demo_data",
    "create_missing_editions": "create_missing_editions",
    "rebuild_search_index": "rebuild_search_index",
    "send_editorial_digest": "send_editorial_digest",
}


def test_old_variable_sets_new_one():
    environ = {"ALLIES_FORCE_HTTPS": "true"}
    assert apply_old_names(environ) == ["ALLIES_FORCE_HTTPS"]
    assert environ["ALLIES_FORCE_HTTPS"] == "true"


def test_new_variable_wins_over_old_one():
    environ = {"ALLIES_FORCE_HTTPS": "true", "ALLIES_FORCE_HTTPS": "false"}
    apply_old_names(environ)
    assert environ["ALLIES_FORCE_HTTPS"] == "false"


def test_old_variables_are_read_by_their_new_names():
    assert {*OLD_NAMES.values()} <= {*env.dump()}
    assert not {*OLD_NAMES} & {*env.dump()}


def test_check_names_new_variable(settings):
    assert check_variable_names() == []
    settings.OLD_VARIABLES = ["ALLIES_FORCE_HTTPS"]
    (warning,) = check_variable_names()
    assert warning.id == "allies.W004"
    assert "ALLIES_FORCE_HTTPS" in warning.msg and "ALLIES_FORCE_HTTPS" in warning.hint


@pytest.mark.parametrize(("old", "new"), COMMANDS.items())
def test_old_command_does_what_new_one_does(old, new):
    commands = get_commands()
    old_class, new_class = (type(load_command_class(commands[n], n)) for n in (old, new))
    assert issubclass(old_class, new_class)


@pytest.mark.django_db
def test_old_command_names_new_one():
    errors = io.StringIO()
    call_command("publish_scheduled", stdout=io.StringIO(), stderr=errors)
    assert "publish_scheduled" in errors.getvalue()


@pytest.mark.parametrize(
    "path", [f"{old}.{name}" for old, (_new, names) in OLD_PATHS.items() for name in names]
)
def test_old_path_leads_to_what_it_named(path):
    found = import_string(path)
    old, _dot, name = path.rpartition(".")
    module, names = OLD_PATHS[old]
    assert found is import_string(f"{module}.{names[name]}")
    assert isinstance(found, Task) or name == "InternetArchive"


def test_old_archive_client_is_found(settings):
    settings.ARCHIVE_CLIENT = "allies.link_checking.archive.InternetArchive"
    assert type(get_archive_client()).__module__ == "allies.link_checking.archive"


def test_old_path_has_no_other_names():
    with pytest.raises(ImportError):
        import_string("allies.tasks.nothing_like_it")
''',
    )
    t.replace("tests/test_conventions.py", '"admin_site", ', '"admin_site", "compatibility", ')


@patch
def map_of_the_code_names_packages(t):
    """docs/architecture.md: the listing of the tree, if it is still the old one's."""
    text = t.read("docs/architecture.md")
    if "caching/ " not in text and "exchange/ " not in text:
        print("  docs/architecture.md has another listing of the tree: left as it is")
        return
    tree = """```
config/            settings, env_parsers (the environment), file_permissions, URLs, WSGI
allies/
  apps  urls  tasks        wiring of the app; background tasks
  models/          models, managers and fields: one file per record type; registry: all record types in order
  text/            edtf, normalize, urls, markdown: imports nothing of the project
  file_formats/    CSV, XLSX, ZIP and decompression with limits
  datapackage/     data packages: describe, read, write; metadata: what the columns are
  ties/            ties, pairs, tie_changes, voting, obligations_text: what binds countries, computed
  evidence/        guards, grouping by origin, origin_suggestions, system_checks
  history/         snapshots, steps, public_steps, public_changesets, visibility, change_feed, changeset_context, clock
  editions/        content, diff
  citations/       formats, targets, footnotes, redaction
  search/          documents, index, query, backend, highlight
  filters/         one filterset per record type; base, aggregates, facets, related
  actions/         writes that need a permission or touch several records
  editorial/       alerts, deletion_preview
  imports/         tables/ -> mapping -> matching -> validation -> plan -> writer; runner, tasks, progress, shared_files
  exports/         records, site_package
  charts/          layout, axis, timeline, year_chart, world_map
  feeds/           Atom feeds of every listing
  web/             schema_org, share_images, sitemaps, embeds
  views/           public pages: listing, detail, download_mixin, feed_mixin, as_of
  api/             the JSON API, described by OpenAPI
  admin/           the admin, one module per record type; changesets/
  admin_site/      the AdminSite and the lookups its lists accept
  accounts/        two_factor, sessions, reauthentication, permission_audit
  form_submissions/  tokens, idempotency, kept_forms
  link_checking/   url_safety, connection, fetch, robots, checker, results, host_queue, runner, archive, tasks
  page_cache/      middleware, wsgi, store, encoding, memo, fragments, redis_backend, serializer
  http/            rate_limit, body_limits, client_ip, cross_origin
  downloads/       slots, buffering, stalled_connections
  db/              router, ping, snapshot, content_version, backup, uploads_restore, errors, sqlite/
  monitoring/      health, metrics, request_log, log_formatters, csp_reports, system_checks
  compatibility/   old_paths: dotted paths of the release before
  management/commands/  templatetags/  migrations/  locale/  starter/
templates/  static/  tests/ (mirrors allies/)  docs/
```"""
    t.sub("docs/architecture.md", r"```\nconfig/ .*?\n```", tree.replace("\\", r"\\"), re.S)
