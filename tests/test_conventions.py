"""Conventions that every model and every package must follow."""

import ast
from collections import Counter
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.management import call_command
from django.db import models

from allies.imports.resources import RESOURCES
from allies.models import Publishable, Record
from allies.models.fields import DerivedFieldMixin

RECORDS = [
    model for model in apps.get_app_config("allies").get_models() if issubclass(model, Record)
]

each_record = pytest.mark.parametrize("model", RECORDS, ids=lambda model: model.__name__)


def test_all_record_types_are_found():
    assert len(RECORDS) == 13


@each_record
def test_every_record_has_history(model):
    assert hasattr(model, "history")


@each_record
def test_every_record_has_a_published_queryset(model):
    assert model.objects.published().model is model


@each_record
def test_every_record_is_in_the_admin(model):
    assert model in admin.site._registry


@each_record
def test_every_record_has_an_import_resource(model):
    assert [r for r in RESOURCES.values() if r._meta.model is model]


@each_record
def test_every_editable_field_is_exported_and_imported_as_csv(model):
    resource = next(r for r in RESOURCES.values() if r._meta.model is model)()
    carried = {field.attribute for field in resource.get_export_fields()}
    filled = {
        field.name
        for field in model._meta.concrete_fields
        if field.editable and not field.primary_key and not isinstance(field, DerivedFieldMixin)
    }
    assert filled == carried


@each_record
def test_every_constraint_has_a_name_by_its_model_and_a_message(model):
    for constraint in model._meta.constraints:
        assert constraint.name.startswith(f"{model._meta.model_name}_")
        if isinstance(constraint, models.UniqueConstraint):
            assert (
                constraint.violation_error_message
                != models.UniqueConstraint.default_violation_error_message
            )


@pytest.mark.django_db
def test_the_migrations_know_every_model_as_it_is():
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)


@each_record
def test_every_bilingual_text_has_both_columns(model):
    names = {field.name for field in model._meta.concrete_fields}
    assert {name.removesuffix("_en") for name in names if name.endswith("_en")} == {
        name.removesuffix("_ind") for name in names if name.endswith("_ind")
    }


def test_every_publishable_record_has_a_publish_permission():
    for model in RECORDS:
        assert ("publish" in model._meta.default_permissions) == issubclass(model, Publishable)


def test_csv_of_countries_starts_with_the_documented_columns():
    columns = RESOURCES["countries"]().columns
    assert columns[:6] == ["alpha3", "alpha2", "m49", "cow_code", "name_en", "name_ind"]


#: Packages in layers, as in docs/architecture.md. A package may import from layers before its own,
#: but not from its own layer.
LAYERS = (
    {"text", "file_formats"},
    {"models"},
    {"ties"},
    {"editions", "evidence", "history", "search"},
    {"actions", "filters"},
    {"imports", "views", "templatetags"},
    {"api", "exports"},
    {"admin"},
)
LAYER_OF = {room: number for number, rooms in enumerate(LAYERS) for room in rooms}
PACKAGE_ROOT = Path(__file__).parents[1] / "allies"


def imported(file):
    """Yield the modules that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


@pytest.mark.parametrize("room", sorted(LAYER_OF))
def test_packages_import_only_from_lower_layers(room):
    files = [*(PACKAGE_ROOT / room).rglob("*.py")]
    assert files
    for file in files:
        for name in imported(file):
            house, _dot, rest = name.partition(".")
            other = rest.partition(".")[0]
            if house == "allies" and other in LAYER_OF and other != room:
                assert LAYER_OF[other] < LAYER_OF[room], (
                    f"{file.relative_to(PACKAGE_ROOT)} imports {name}"
                )


#: Packages that everything may use. They must not import pages or the admin.
SHARED = {path.name for path in PACKAGE_ROOT.iterdir() if (path / "__init__.py").exists()} - {
    *(
        "accounts",
        "api",
        "admin",
        "admin_site",
        "compatibility",
        "exports",
        "imports",
        "management",
        "migrations",
        "templatetags",
    ),
    "views",
}


@pytest.mark.parametrize("package", sorted(SHARED))
def test_shared_packages_import_neither_pages_nor_admin(package):
    for file in (PACKAGE_ROOT / package).rglob("*.py"):
        names = [name for name in imported(file) if name.startswith("allies.")]
        packages = {name.split(".")[1] for name in names}
        assert not packages & {"views", "api", "admin"}, file.relative_to(PACKAGE_ROOT)


def test_app_has_no_other_top_level_modules():
    assert {file.name for file in PACKAGE_ROOT.glob("*.py")} == {
        *("__init__.py", "apps.py", "tasks.py", "urls.py")
    }


#: Module names that several packages share: a record type or subject in each layer, and names that
#: are usual in every package.
SHARED_NAMES = {
    *(
        "alias",
        "alliance",
        "ally_list",
        "changeset",
        "citation",
        "correction",
        "country",
        "edition",
    ),
    *("event", "membership", "roll_call", "search", "source", "standing", "tie_changes", "voting"),
    *("blocs", "disagreement", "vote_ranking"),
    *("base", "system_checks", "tasks", "urls"),
}


def test_modules_with_different_subjects_have_different_names():
    names = Counter(
        file.stem
        for file in PACKAGE_ROOT.rglob("*.py")
        if not {"management", "migrations"} & {*file.parts} and file.name != "__init__.py"
    )
    assert {name for name, number in names.items() if number > 1} == SHARED_NAMES


def test_models_import_only_models_and_text():
    for file in (PACKAGE_ROOT / "models").glob("*.py"):
        for name in imported(file):
            if name.startswith("allies."):
                assert name.split(".")[1] in {"models", "text"}, f"{file.name} imports {name}"


def modules_imported_at_once(file):
    """Yield what a module imports at its top level, without imports inside functions."""
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield f"{node.module}.{alias.name}"
                yield node.module


def test_modules_have_no_circular_imports():
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
