"""Every word in templates that users read is marked for translation."""

import re

import pytest
from django.conf import settings

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))

#: Names that are the same in both languages.
NAMES = {"CSV", "JSON", "ISO", "COW", "SHA", "BibTeX", "Wikidata"}


def words_outside_gettext(source):
    """Return the words of a template that are not marked for translation."""
    source = re.sub(r"{#.*?#}", " ", source, flags=re.S)
    source = re.sub(r"{% block \w+_class %}.*?{% endblock %}", " ", source, flags=re.S)  # CSS
    source = re.sub(r"{% blocktranslate.*?{% endblocktranslate %}", " ", source, flags=re.S)
    source = re.sub(r"{%.*?%}|{{.*?}}", " ", source, flags=re.S)
    said = re.findall(r'(?:aria-label|placeholder|title|alt)="([^"]*)"', source)
    said += re.findall(r'type="submit"[^>]* value="([^"]*)"', source)  # labels of buttons
    text = " ".join([re.sub(r"<!?[^<>]*>", " ", source), *said])
    text = re.sub(r"&\w+;|M49|ISO 3166", " ", text)
    return {word for word in re.findall(r"[^\W\d_]{2,}", text) if word not in NAMES}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_word_is_translated(path):
    assert words_outside_gettext(path.read_text()) == set()


def test_words_outside_gettext_finds_untranslated_words():
    assert words_outside_gettext('<p>Hello {{ name }}</p>{% translate "Bye" %}') == {"Hello"}
    assert words_outside_gettext('<a aria-label="Close it">×</a>') == {"Close", "it"}
    assert words_outside_gettext('<input type="submit" name="x" value="Go on">') == {"Go", "on"}
