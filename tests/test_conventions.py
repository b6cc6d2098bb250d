"""Conventions, tested by walking the models: a new noun fails here until it keeps them."""

import ast
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.management import call_command
from django.db import models

from allies.exchange.resources import NOUNS
from allies.models import Publishable, Record
from allies.models.fields import DerivedField

RECORDS = [
    model for model in apps.get_app_config("allies").get_models() if issubclass(model, Record)
]

each_record = pytest.mark.parametrize("model", RECORDS, ids=lambda model: model.__name__)


def test_the_walk_finds_the_nouns():
    assert len(RECORDS) == 11


@each_record
def test_every_record_has_history(model):
    assert hasattr(model, "history")


@each_record
def test_every_record_says_what_is_public(model):
    assert model.objects.published().model is model


@each_record
def test_every_record_is_in_the_admin(model):
    assert model in admin.site._registry


@each_record
def test_every_record_is_a_noun_of_the_exchange(model):
    assert [r for r in NOUNS.values() if r._meta.model is model]


@each_record
def test_every_field_an_editor_fills_goes_in_and_out_as_csv(model):
    resource = next(r for r in NOUNS.values() if r._meta.model is model)()
    carried = {field.attribute for field in resource.get_export_fields()}
    filled = {
        field.name
        for field in model._meta.concrete_fields
        if field.editable and not field.primary_key and not isinstance(field, DerivedField)
    }
    assert filled == carried


@each_record
def test_every_constraint_is_named_for_its_model_and_explains_itself(model):
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


def test_every_record_with_a_status_has_a_right_to_publish():
    for model in RECORDS:
        assert ("publish" in model._meta.default_permissions) == issubclass(model, Publishable)


def test_countries_begin_with_the_promised_columns():
    columns = NOUNS["countries"]().columns
    assert columns[:6] == ["alpha3", "alpha2", "m49", "cow_code", "name_en", "name_ind"]


#: The rooms that stand on one another, as docs/architecture.md says; a floor's are strangers.
FLOORS = (
    {"models"},
    {"search"},
    {"actions", "filters"},
    {"exchange", "views", "templatetags"},
    {"api"},
    {"admin"},
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
HOUSE = Path(__file__).parents[1] / "allies"


def imported(file):
    """Yield the modules a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


@pytest.mark.parametrize("room", sorted(FLOOR))
def test_imports_go_one_way(room):
    files = [*(HOUSE / room).rglob("*.py")]
    assert files
    for file in files:
        for name in imported(file):
            house, _dot, rest = name.partition(".")
            other = rest.partition(".")[0]
            if house == "allies" and other in FLOOR and other != room:
                assert FLOOR[other] < FLOOR[room], f"{file.relative_to(HOUSE)} imports {name}"


def test_what_rooms_share_knows_none_of_the_readers_pages_nor_the_desk():
    for file in HOUSE.glob("*.py"):
        if file.name != "urls.py":  # which is there to know them all
            rooms = {name.partition(".")[2].partition(".")[0] for name in imported(file)}
            assert not rooms & {"views", "api", "admin"}, file.name
