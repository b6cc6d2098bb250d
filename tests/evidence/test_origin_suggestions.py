"""Suggested origins of a source."""

import pytest

from allies.evidence.origin_suggestions import find_named_outlets, suggest_origins
from tests import factories

pytestmark = pytest.mark.usefixtures("demo_data")


@pytest.mark.parametrize(
    ("credited", "besides", "named"),
    [
        ("cnn indonesia", "", ["CNN Indonesia"]),
        ("new york times", "", ["New York Times"]),
        ("times", "", ["Times"]),
        ("times new york times", "", ["New York Times", "Times"]),
        ("timesheet", "", []),
        ("new york times", "New York Times", ["Times"]),
        ("", "", []),
    ],
)
def test_credit_names_the_longest_matching_outlet(credited, besides, named):
    publishers = ["Times", "CNN", "New York Times", "CNN Indonesia", "–"]
    assert find_named_outlets(credited, publishers, besides=besides) == named


@pytest.mark.parametrize(
    ("date", "is_possible"),
    [
        ("2024-05-06", True),
        ("2024-05-31", True),
        ("2024-06", False),
        ("2024", True),
        ("", True),
    ],
)
def test_source_published_later_is_not_suggested(date, is_possible):
    source = factories.source(title="The same words", date_published="2024-05")
    other = factories.source(title="The same words", date_published=date)
    found = [suggestion.source for suggestion in suggest_origins(source)]
    assert (other in found) is is_possible


def test_source_of_same_origin_is_not_suggested():
    original = factories.source(title="The same words")
    source = factories.source(title="The same words", derived_from=original)
    sibling = factories.source(title="The same words", derived_from=original)
    stranger = factories.source(title="The same words")
    found = [suggestion.source for suggestion in suggest_origins(source)]
    assert found == [stranger]
    assert sibling not in found
