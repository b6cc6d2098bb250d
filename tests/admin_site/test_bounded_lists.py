"""Admin lists answer the lookups that they offer; all others get a 400 with the reason."""

import itertools
from html import unescape
from urllib.parse import parse_qsl, urlencode

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import models
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allies.admin_site.bounded_lists import MAX_SEARCH_WORDS
from allies.models import Changeset, Correction, Country, Event, RightsChange, Source
from tests.hypothesis_profiles import examples

pytestmark = pytest.mark.usefixtures("demo_data")

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
each_list = pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)

#: A pattern on which Python's `re` would run longer than the age of the universe.
BACKTRACKING = "(a*)*(a*)*(a*)*(a*)*[^a]"
BAD_VALUES = [
    *("", "7", "zz", BACKTRACKING, "9" * 30, "9" * 5000, "\x00"),
    *("0001-01-01", "9999-12-31"),
]
PARAMETERS = ["q", "o", "p", "all", "e", "_facets", "_popup", "_to_field", "_changelist_filters"]
LOOKUPS = sorted(
    {
        *(name for field in (models.CharField, models.DateField) for name in field.get_lookups()),
        *(
            name
            for field in (models.JSONField, models.IntegerField)
            for name in field.get_lookups()
        ),
        *("id__exact", "year__gte", "lower", "nonsense", "pk", "date__week_day"),
    }
)


def address_of(model):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def paths_of(model):
    """Return the lookup paths of a model's fields, including those through relations."""
    found = ["pk", "nonsense"]
    for field in model._meta.get_fields():
        found.append(field.name)
        if field.related_model:
            found += [
                f"{field.name}__{other.name}" for other in field.related_model._meta.fields[:2]
            ]
    return found


def offered(page):
    """Return the parameters that the links on a list use."""
    links = [part.partition('"')[0] for part in page.split('href="?')[1:]]
    found = [dict(parse_qsl(unescape(link), keep_blank_values=True)) for link in links]
    # One link per set of parameters; the others differ only in their values.
    return list({frozenset(parameters): parameters for parameters in found}.values())


@pytest.fixture
def superuser(client, db):
    client.force_login(User.objects.create_superuser("root"))
    return client


@each_list
def test_list_answers_its_own_links(model, superuser):
    page = superuser.get(address_of(model), {"_facets": "True"})
    assert page.status_code == 200
    for parameters in offered(page.content.decode()):
        assert superuser.get(address_of(model), parameters).status_code == 200, parameters


@pytest.mark.slow
@each_list
def test_list_refuses_lookups_it_does_not_offer(model, superuser):
    page = superuser.get(address_of(model)).content.decode()
    own = {name for parameters in offered(page) for name in parameters} | {"attention"}
    own |= set(map(str, admin.site._registry[model].list_filter))
    lookups = itertools.cycle(["", "__regex", "__range", "__contains", "__gt"])
    for path, lookup in zip([*paths_of(model) * 2], lookups, strict=False):
        if f"{path}{lookup}" not in own:
            answer = superuser.get(address_of(model), {f"{path}{lookup}": "p"})
            assert answer.status_code == 400, (path, lookup)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*received a naive datetime")
@each_list
def test_list_accepts_any_parameter(model, superuser):
    @settings(
        max_examples=examples(15),
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(
        st.lists(
            st.tuples(
                st.one_of(
                    st.sampled_from(PARAMETERS),
                    st.builds(
                        "{}__{}".format, st.sampled_from(paths_of(model)), st.sampled_from(LOOKUPS)
                    ),
                    st.sampled_from(paths_of(model)),
                ),
                st.one_of(st.sampled_from(BAD_VALUES), st.text(max_size=20)),
            ),
            min_size=1,
            max_size=3,
        )
    )
    def ask(parameters):
        query = urlencode([(n, v.encode("utf-8", "replace")) for n, v in parameters])
        answer = superuser.get(f"{address_of(model)}?{query}")
        assert answer.status_code < 500, query

    ask()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*received a naive datetime")
@each_list
def test_list_filters_accept_any_value(model, superuser):
    page = superuser.get(address_of(model)).content.decode()
    own = {name for parameters in offered(page) for name in parameters} - {"o", "_facets"}
    for name, value in itertools.product(sorted(own), BAD_VALUES):
        query = urlencode([(name, value), ("_facets", "True")])
        answer = superuser.get(f"{address_of(model)}?{query}")
        assert answer.status_code in (200, 302, 400), (name, value)


def test_backtracking_regular_expression_is_refused_with_the_reason(superuser):
    answer = superuser.get(address_of(Source), {"title__regex": BACKTRACKING})
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "This list cannot be filtered by “title__regex”." in page
    assert f'href="{address_of(Source)}"' in page


def test_missing_page_redirects_to_the_first(superuser):
    answer = superuser.get(address_of(Country), {"p": "900"}, follow=True)
    assert answer.status_code == 200
    assert "This list no longer has a page 900." in answer.content.decode()
    assert superuser.get(address_of(Country), {"p": "900", "e": "1"}).status_code == 400


def test_search_with_too_many_words_is_refused(superuser):
    for model in (Event, Correction, Changeset, RightsChange):
        words = " ".join("w" * (MAX_SEARCH_WORDS + 1))
        assert superuser.get(address_of(model), {"q": words}).status_code == 400
        assert superuser.get(address_of(model), {"q": words[2:]}).status_code == 200
    query = {"app_label": "allies", "model_name": "event", "field_name": "alliance", "term": words}
    assert superuser.get(reverse("admin:autocomplete"), query).status_code == 400


@pytest.mark.parametrize("name", ["term", "page", "app_label", "model_name", "field_name"])
def test_autocomplete_accepts_any_value(name, superuser):
    query = {"app_label": "allies", "model_name": "event", "field_name": "alliance", "term": "a"}
    for value in BAD_VALUES:
        assert (
            superuser.get(reverse("admin:autocomplete"), {**query, name: value}).status_code < 500
        )
