"""List the mutants of the modules under test: small deliberate faults, one at a time.

It runs in a separate environment with mutmut, whose operators it uses, and without Django.
``python -m tests.mutation.mutants`` writes one JSON object per line. Operators are added for faults
that mutmut 3.8 does not make: a condition that is always true or false, a lookup that includes or
excludes its bound (``__gte`` and ``__gt``), and the opposite method of a queryset or set, such as
``exclude`` for ``filter``. docs/testing.md says which mutants are left out, and why.
"""

import json
import re

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

from tests.mutation.targets import ROOT, modules

#: Calls whose arguments are user-facing texts, log messages or types.
TEXTS = re.compile(
    r"^(_|n?p?gettext(_lazy)?|log(ger|ging)?\.\w+|warnings\.warn|cast|len|isinstance)$"
)
#: Queryset methods whose arguments change the number of queries, not the result.
COSTS = {"defer", "iterator", "only", "prefetch_related", "select_for_update", "select_related"}
#: Arguments for labels and names, or for performance only.
LABELS = {
    "__all__",
    "batch_size",
    "chunk_size",
    "db_index",
    "help_text",
    "label",
    "related_name",
} | {
    "verbose_name",
    "verbose_name_plural",
}
#: An operator of mutmut that replaces every assigned value by None. Any test notices that.
LEFT_OUT = {"operator_assignment"}

_LOOKUPS = {"gte": "gt", "gt": "gte", "lte": "lt", "lt": "lte"}
_LOOKUP = re.compile(r"__(gte|gt|lte|lt)\b")
_METHODS = {"filter": "exclude", "exclude": "filter", "union": "intersection"}


def code(node):
    return cst.Module([]).code_for_node(node)


def _swap_lookup(text):
    return _LOOKUP.sub(lambda found: f"__{_LOOKUPS[found[1]]}", text)


def operator_condition(node):
    """Make the condition of an if, a loop or a comprehension always true or always false."""
    yield node.test, f"(({code(node.test)}) or True)"
    yield node.test, f"(({code(node.test)}) and False)"


def operator_lookup(node):
    """Include or exclude the bound of a lookup."""
    name = node.keyword if isinstance(node, cst.Arg) else node
    if name and _LOOKUP.search(name.value):
        yield name, _swap_lookup(name.value)


def operator_lookup_in_text(node):
    """Include or exclude the bound of a lookup in an f-string."""
    if _LOOKUP.search(node.value):
        yield node, _swap_lookup(node.value)


def operator_method(node):
    """Call the opposite method of a queryset or a set."""
    if isinstance(node.func, cst.Attribute) and node.func.attr.value in _METHODS:
        yield node.func.attr, _METHODS[node.func.attr.value]


OWN = (
    ((cst.If, cst.CompIf, cst.While), operator_condition),
    ((cst.Arg, cst.SimpleString), operator_lookup),
    (cst.FormattedStringText, operator_lookup_in_text),
    (cst.Call, operator_method),
)


class _Visitor(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (ByteSpanPositionProvider, PositionProvider)

    def __init__(self):
        super().__init__()
        self.found = []  # (operator, node, replacement text)

    def on_visit(self, node):
        if self._is_left_out(node):
            return False
        for kinds, operator in OWN:
            if isinstance(node, kinds):
                self.found += [(operator, place, text) for place, text in operator(node)]
        for kind, operator in mutation_operators:
            if isinstance(node, kind) and operator.__name__ not in LEFT_OUT:
                self.found += [(operator, node, code(new)) for new in operator(node)]
        return True

    def _is_left_out(self, node):
        match node:
            case cst.Annotation() | cst.Import() | cst.ImportFrom() | cst.Assert():
                return True
            case cst.Expr(value=cst.SimpleString() | cst.ConcatenatedString()):
                return True  # a docstring
            case cst.If(test=cst.Name("TYPE_CHECKING")):
                return True
            case cst.Call(func=func):
                name = code(func)
                return bool(TEXTS.match(name)) or name.rpartition(".")[2] in COSTS
            case cst.Arg(keyword=cst.Name(name)):
                return name in LABELS
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(name))]):
                return name in LABELS
            case cst.Subscript():  # a type with its parameter: Manager["Source"]
                return bool(re.search(r"""^\w[\w.]*\["\w+"\]$""", code(node))) and code(
                    node.value
                ).rpartition(".")[2].endswith(("Manager", "QuerySet", "Field", "Prefetch"))
        return False


def mutants_of(module):
    """Yield the mutants of a module, with their positions in the file in bytes and in lines."""
    source = (ROOT / module).read_bytes()
    wrapper = MetadataWrapper(cst.parse_module(source), unsafe_skip_copy=True)
    visitor = _Visitor()
    wrapper.visit(visitor)
    spans = wrapper.resolve(ByteSpanPositionProvider)
    lines = wrapper.resolve(PositionProvider)
    for operator, node, text in visitor.found:
        start, end = spans[node].start, spans[node].start + spans[node].length
        if source[start:end].decode().lower() == text.lower():
            continue  # no change, or only upper or lower case
        yield {
            "module": module,
            "lines": [lines[node].start.line, lines[node].end.line],
            "bytes": [start, end],
            "text": text,
            "operator": operator.__name__.removeprefix("operator_"),
        }


if __name__ == "__main__":
    for path in modules():
        for mutant in mutants_of(path):
            print(json.dumps(mutant))
