"""Check the wording of docs, docstrings, comments and message ids against the rules in prose.toml.

Run `python tools/check_prose.py --kinds docs,python,messages`. Each finding is printed as
`file:line: rule: "text": write …`. The exit code is 1 if there is any.
"""

import argparse
import ast
import io
import re
import sys
import textwrap
import tokenize
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[1]
RULES = Path(__file__).with_name("prose.toml")
MAX_LINE_LENGTH = 120


class Rule(NamedTuple):
    """A wording to avoid. ``kinds`` are the kinds of text that it is tried on."""

    id: str
    pattern: re.Pattern[str]
    write: str
    example: str
    kinds: frozenset[str]


class Exemption(NamedTuple):
    """A sentence that may break a rule, with the reason."""

    rule: str
    path: str
    text: str
    reason: str


class Block(NamedTuple):
    """Text that belongs together, like a paragraph: (line number, text) of each of its lines."""

    lines: tuple[tuple[int, str], ...]


class Finding(NamedTuple):
    path: str
    line: int
    rule: str
    text: str
    write: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: “{self.text}”: write {self.write}"


def load_rules(path: Path = RULES) -> tuple[list[Rule], list[Exemption]]:
    """Return the rules and their exemptions; raise KeyError if one lacks a field."""
    data = tomllib.loads(path.read_text())
    rules = [
        Rule(
            item["id"],
            re.compile(item["pattern"], re.IGNORECASE),
            item["write"],
            item["example"],
            frozenset(item.get("kinds", READERS)),
        )
        for item in data["rule"]
    ]
    exemptions = [
        Exemption(item["rule"], item["path"], item["text"], item["reason"])
        for item in data.get("allow", [])
    ]
    return rules, exemptions


# From a file to blocks of text.

_FENCE = re.compile(r"\s*(```|~~~)")
#: Lines that begin a block of their own: headings, items, quotes, tables, images.
_NEW_BLOCK = re.compile(r"\s*(#|[-*+] |\d+[.)] |>|\||!\[)")
#: Lines that are one word or cannot be broken: table rows, images, and long links alone.
_UNBREAKABLE = re.compile(r"\s*(\||!\[|\S+$)")
_DIRECTIVE = re.compile(r"#\s*(noqa|type:|fmt:|ruff:|pragma|mypy:|!)")


def read_markdown(text: str) -> Iterator[Block]:
    """Yield the paragraphs, headings, items and table cells of a Markdown file, without code."""
    lines: list[tuple[int, str]] = []
    is_code = False
    for number, line in enumerate(text.splitlines(), 1):
        is_fence = bool(_FENCE.match(line))
        if is_fence or is_code or not line.strip() or _NEW_BLOCK.match(line):
            yield from _block(lines)
            lines = []
        if is_fence:
            is_code = not is_code
        elif line.lstrip().startswith("|") and not is_code:
            for cell in re.split(r"(?<!\\)\|", line.strip().strip("|")):
                yield from _block([(number, cell)])
        elif line.startswith("#") and not is_code:
            yield Block(((number, line),))
        elif line.strip() and not is_code:
            lines.append((number, line))
    yield from _block(lines)


def read_python(text: str) -> Iterator[Block]:
    """Yield the paragraphs of the docstrings and comments of a Python file."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _read_docstring(node)
    yield from _read_comments(text)


def read_messages(text: str) -> Iterator[Block]:
    """Yield the message ids of a catalogue; the line is that of the entry."""
    for message in read_po(io.StringIO(text)):
        ids = message.id if isinstance(message.id, list | tuple) else [message.id]
        for part in filter(None, ids):
            yield Block(tuple((message.lineno or 1, line) for line in part.splitlines()))


def _block(lines: Iterable[tuple[int, str]]) -> Iterator[Block]:
    if found := tuple(lines):
        yield Block(found)


def _read_docstring(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
) -> Iterator[Block]:
    first = node.body[0] if node.body else None
    if not isinstance(first, ast.Expr) or not isinstance(first.value, ast.Constant):
        return
    if not isinstance(first.value.value, str):
        return
    lines: list[tuple[int, str]] = []
    literal_indent: int | None = None  # of the text that ends in "::", while its block lasts
    head, _newline, rest = first.value.value.partition("\n")
    for number, line in enumerate([head, *textwrap.dedent(rest).split("\n")], first.lineno):
        indent = len(line) - len(line.lstrip())
        if not line.strip() or _NEW_BLOCK.match(line):
            yield from _block(lines)
            lines = []
        if not line.strip():
            continue
        if literal_indent is not None and indent > literal_indent:
            continue
        literal_indent = indent if line.rstrip().endswith("::") else None
        lines.append((number, line))
    yield from _block(lines)


def _read_comments(text: str) -> Iterator[Block]:
    lines: list[tuple[int, str]] = []
    end = (0, 0)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT or _DIRECTIVE.match(token.string):
            continue
        number, column = token.start
        if end != (number - 1, column):
            yield from _block(lines)
            lines = []
        lines.append((number, token.string.lstrip("#: ")))
        end = (number, column)
    yield from _block(lines)


# From blocks to findings.

#: Code and URLs, which are not checked.
_CODE = re.compile(r"(`+).+?\1|\]\([^)]*\)|https?://\S+", re.DOTALL)
#: Placeholders of messages, which are not words.
_PLACEHOLDER = re.compile(r"%\(\w+\)\d*[a-zA-Z]|\{\w*\}")
_SENTENCE_END = re.compile(r"(?<=[.!?])[”\"’)*]*\s+(?=[^a-z])|\n(?=\s*[-*] )")


def check_block(path: str, kind: str, block: Block, rules: Iterable[Rule]) -> Iterator[Finding]:
    """Yield what the rules find in a block, sentence by sentence."""
    text = "\n".join(line for _number, line in block.lines)
    # Hidden text is replaced by text of the same length, so that positions stay the same.
    plain = _CODE.sub(_hide, text)
    if kind == "messages":
        plain = _PLACEHOLDER.sub(_hide, plain)
    for start, sentence in _sentences(plain):
        for rule in rules:
            if kind in rule.kinds and (match := rule.pattern.search(sentence)):
                begin = start + match.start()
                line = block.lines[plain.count("\n", 0, begin)][0]
                quoted = " ".join(text[start : start + len(sentence)].split())
                yield Finding(path, line, rule.id, quoted, rule.write)


def _hide(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", "_", match[0])


def check_lines(path: str, text: str) -> Iterator[Finding]:
    """Yield lines that are too long, except those that cannot be broken."""
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > MAX_LINE_LENGTH and not _UNBREAKABLE.match(line):
            write = f"at most {MAX_LINE_LENGTH} characters"
            yield Finding(path, number, "line length", line[:40] + "…", write)


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    """Yield (offset, sentence), without markers, and with line breaks as spaces."""
    start = 0
    for match in [*_SENTENCE_END.finditer(text), None]:
        end = match.start() if match else len(text)
        sentence = text[start:end].replace("\n", " ").rstrip()
        marker = re.match(r"[\s#>*+\-]*(\d+[.)] )?[\s*“\"(]*", sentence)
        skipped = marker.end() if marker else 0
        yield start + skipped, sentence[skipped:]
        start = match.end() if match else end


Reader = Callable[[str], Iterator[Block]]

#: Kind of text → (where its files are, how they are read).
READERS: dict[str, tuple[tuple[str, ...], Reader]] = {
    "docs": (("*.md", "docs/**/*.md", ".github/**/*.md"), read_markdown),
    "python": (("*.py", "{allies,config,docs,tests,tools}/**/*.py"), read_python),
    "messages": (("allies/locale/id/LC_MESSAGES/django.po",), read_messages),
}


def files(kind: str, root: Path = ROOT) -> list[Path]:
    """Return the files that have texts of a kind."""
    patterns, _reader = READERS[kind]
    found: set[Path] = set()
    for pattern in patterns:
        match = re.match(r"\{(.+?)\}(.*)", pattern)
        for folder in match[1].split(",") if match else [""]:
            found.update(root.glob(folder + match[2] if match else pattern))
    return sorted(found)


def check_text(path: str, kind: str, text: str, rules: Iterable[Rule]) -> Iterator[Finding]:
    """Yield all findings in the text of a file."""
    rules = list(rules)
    _patterns, reader = READERS[kind]
    for block in reader(text):
        yield from check_block(path, kind, block, rules)
    if kind == "docs":
        yield from check_lines(path, text)


def check(kinds: Iterable[str], root: Path = ROOT) -> list[Finding]:
    """Return all findings, and a finding per exemption that is not needed any more."""
    rules, exemptions = load_rules()
    findings: list[Finding] = []
    used: set[Exemption] = set()
    checked: set[str] = set()
    for kind in kinds:
        for file in files(kind, root):
            path = file.relative_to(root).as_posix()
            checked.add(path)
            for finding in check_text(path, kind, file.read_text(), rules):
                exempt = [
                    item
                    for item in exemptions
                    if (item.rule, item.path) == (finding.rule, path) and item.text in finding.text
                ]
                used.update(exempt)
                if not exempt:
                    findings.append(finding)
    for item in exemptions:
        if item.path in checked and item not in used:
            unused = Finding(item.path, 1, item.rule, item.text, "nothing; remove this exemption")
            findings.append(unused)
    return findings


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check the wording of texts.")
    parser.add_argument(
        "--kinds", default=",".join(READERS), help="comma-separated: docs, python, messages"
    )
    kinds = parser.parse_args(arguments).kinds.split(",")
    if unknown := [kind for kind in kinds if kind not in READERS]:
        parser.error(f"unknown kind: {', '.join(unknown)}")
    findings = check(kinds)
    for finding in findings:
        print(finding)
    if findings:
        print(f"{len(findings)} to rewrite. The rules are in tools/prose.toml.")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
