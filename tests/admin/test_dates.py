"""Dates typed in admin forms: an invalid date is an error of its field."""

import pytest
from django.contrib import admin
from django.contrib.admin.utils import flatten, flatten_fieldsets
from django.urls import reverse

from allies.models import KeptForm
from allies.models.fields import EDTFField
from tests import factories
from tests.admin.test_permissions import change
from tests.html_forms import main_form

pytestmark = pytest.mark.usefixtures("demo_data")

GIBBERISH = ["gibberish", "9" * 400]


def date_names(own):
    """Return the names of the date fields that a model's admin, or an inline, shows."""
    shown = flatten(own.fields or flatten_fieldsets(own.fieldsets or []))
    fields = {field.name: field for field in own.model._meta.concrete_fields}
    return {name for name in shown if isinstance(fields.get(name), EDTFField)}


def dates_of(model):
    """Return the names of the date fields in a model's forms, including those of its parts."""
    own = admin.site._registry[model]
    return date_names(own).union(*map(date_names, own.inlines))


DATED = sorted(filter(dates_of, admin.site._registry), key=lambda model: model._meta.label)


def dates_on(form, model):
    """Return the names of the date fields on a page, including those of its rows."""
    return [field for field in form.fields if field.rpartition("-")[2] in dates_of(model)]


@pytest.fixture
def reviewed(reviewer, login_as):
    reviewer.is_superuser = True
    reviewer.save()
    return login_as(reviewer)


def test_all_date_fields_are_covered():
    assert set().union(*map(dates_of, DATED)) == {
        *("date", "date_published", "existed_from", "existed_to", "covers_from", "covers_to"),
        *("began",),
        *("signed", "in_force", "ended", "joined", "left"),
    }


@pytest.mark.slow
@pytest.mark.parametrize("model", DATED, ids=lambda model: model.__name__)
def test_invalid_date_is_an_error_of_its_field(model, reviewed):
    record = model.objects.order_by("pk").first()
    for path in (change(record), reverse(f"admin:allies_{model._meta.model_name}_add")):
        form = main_form(reviewed.get(path))
        names = [name for name in dates_on(form, model) if "__prefix__" not in name]
        assert names
        for several in (*([name] for name in names[:6]), names):
            for text in GIBBERISH:
                sent = form.data(_save="Save", **dict.fromkeys(several, text))
                answer = reviewed.post(path, sent)
                assert answer.status_code == 200, (path, several, text)
                page = main_form(answer)
                for name in several:
                    assert page.fields[name] == [text], (path, name)
                errors = all_errors(answer)
                assert set(several) <= errors, (path, several, text)


def all_errors(answer):
    """Return the names of the fields with errors on a page, including those of its rows."""
    context = answer.context
    forms = [context["adminform"].form]
    forms += [row for one in context["inline_admin_formsets"] for row in one.formset.forms]
    return {form.add_prefix(name) for form in forms for name in form.errors}


def test_editor_gets_the_error_and_nothing_is_proposed(editor, login_as):
    alliance = factories.alliance("RUS", "IND")
    client = login_as(editor)
    form = main_form(client.get(change(alliance)))
    answer = client.post(change(alliance), form.data(ended="gibberish", _propose="1"))
    assert answer.status_code == 200
    assert "“gibberish” is not a clear date" in answer.content.decode()
    assert main_form(answer).fields["ended"] == ["gibberish"]


def test_saved_form_with_an_invalid_date_is_restored(reviewer, login_as):
    alliance = factories.alliance("RUS", "IND")
    client = login_as(reviewer)
    form = main_form(client.get(change(alliance)))
    fields = {name: list(values) for name, values in form.fields.items()}
    kept = KeptForm.objects.create(
        user=reviewer, path=change(alliance), fields={**fields, "ended": ["gibberish"]}
    )
    page = client.get(f"{change(alliance)}?_kept={kept.pk}")
    assert page.status_code == 200
    assert main_form(page).fields["ended"] == ["gibberish"]


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("19 June 2024", "2024-06-19"),
        ("before 2022", "../2021"),
        ("awal 2024", "2024-01/2024-04"),
        ("20XX", "20XX"),
    ],
)
def test_date_in_words_is_stored_as_edtf(typed, stored, reviewer, login_as):
    alliance = factories.alliance("RUS", "IND")
    client = login_as(reviewer)
    form = main_form(client.get(change(alliance)))
    answer = client.post(change(alliance), form.data(signed=typed, _save="Save"))
    assert answer.status_code == 302
    alliance.refresh_from_db()
    assert alliance.signed == stored


def test_error_names_both_readings_of_a_date(reviewer, login_as):
    alliance = factories.alliance("RUS", "IND")
    client = login_as(reviewer)
    form = main_form(client.get(change(alliance)))
    page = client.post(change(alliance), form.data(signed="03/04/2020", _save="Save"))
    assert "“03/04/2020” can mean “4 March 2020” or “3 April 2020”" in page.content.decode()


def test_forms_say_how_to_write_a_date(reviewer, login_as):
    client = login_as(reviewer)
    page = client.get(reverse("admin:allies_event_add")).content.decode()
    assert "As precise as you know it: 19 June 2024" in page
    alliance = client.get(reverse("admin:allies_alliance_add")).content.decode()
    assert "The date it entered into force. As precise as you know it: 19 June 2024" in alliance
