"""The checker of wording: rules, exemptions, and reading of Markdown, Python and catalogues."""

import pytest

from tools.check_prose import READERS, check, check_text, load_rules, main, read_python

RULES, EXEMPTIONS = load_rules()


def findings(kind, text):
    return [(found.line, found.rule) for found in check_text("file", kind, text, RULES)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_rule_finds_its_example(rule):
    assert rule.id in [found for _line, found in findings(min(rule.kinds), _as(rule))]


def _as(rule):
    kind = min(rule.kinds)
    return {
        "docs": rule.example,
        "python": f'"""{rule.example}"""',
        "messages": f'msgid "{rule.example}"\nmsgstr ""\n',
    }[kind]


def test_rules_and_exemptions_are_complete():
    assert all(rule.write and rule.kinds <= set(READERS) for rule in RULES)
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(item.reason for item in EXEMPTIONS)


@pytest.mark.parametrize(
    "kind", ["docs", "messages", pytest.param("python", marks=pytest.mark.slow)]
)
def test_repository_is_clean(kind):
    assert [str(found) for found in check([kind])] == []


@pytest.mark.parametrize(
    "sentence", ["One query per model.", "Raises BadMapping if it is not one."]
)
def test_plain_sentence_has_no_findings(sentence):
    assert findings("docs", sentence) == []


def test_markdown_names_the_line_inside_a_paragraph():
    text = "# Title\n\nA sentence\nthat is made\nanew and long.\n"
    assert findings("docs", text) == [(5, "anew")]


def test_markdown_code_links_and_fences_are_not_searched():
    text = "Call `noun anew` or [this](anew.md).\n\n```\nanew, a noun\n```\n"
    assert findings("docs", text) == []


def test_markdown_heading_ends_a_block():
    assert findings("docs", "## What is public\nA record with a status.\n") == []


def test_markdown_table_cells_are_read_one_by_one():
    assert findings("docs", "| a | made anew |\n| --- | --- |\n| b | c |\n") == [(1, "anew")]


def test_markdown_line_over_the_limit_is_found():
    text = f"{'word ' * 30}\n| {'cell ' * 30}|\n"
    assert findings("docs", text) == [(1, "line length")]


def test_python_docstrings_and_comments_are_searched_but_not_code():
    text = (
        '"""Title.\n\nA plan that is\nmade anew.\n"""\n'
        'ANEW = "anew"\n'
        "# The first line of a comment\n# that is made anew.\n"
    )
    assert findings("python", text) == [(4, "anew"), (8, "anew")]


def test_python_literal_block_is_not_searched():
    text = '"""Looks like this::\n\n    {"noun": "anew"}\n\nThe end.\n"""\n'
    assert len([*read_python(text)]) == 2
    assert findings("python", text) == []


def test_message_finding_has_the_line_of_its_entry():
    text = (
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n\n'
        'msgid "fine"\nmsgstr ""\n\nmsgid "Make it anew."\nmsgstr "anew"\n'
    )
    assert findings("messages", text) == [(8, "anew")]


def test_message_placeholders_are_not_searched():
    text = 'msgid "%(noun)s have no {noun} named %(room)s."\nmsgstr ""\n'
    assert findings("messages", text) == []
    assert findings("docs", "Say {noun}.") == [(1, "noun")]


def test_three_colons_are_found_in_one_sentence_only():
    assert findings("docs", "One: a. Two: b. Three: c.") == []
    assert findings("docs", "One: a, two: b, three: c.") == [(1, "three colons")]


def test_exit_codes(capsys):
    assert main(["--kinds", "docs"]) == 0
    with pytest.raises(SystemExit):
        main(["--kinds", "poems"])
    assert "unknown kind" in capsys.readouterr().err
