"""Say which class each attribute in a checkout belongs to, as mypy infers it.

Run by the checkout's own Python, in the checkout; prints JSON:
{"attrs": [[file, line, col, name, [classes] | null]], "bases": {class: [mro]}, "has": {class: [names]}}.
``col`` is where the attribute's name begins, in bytes; null classes: the type is not known.
"""

import json
import sys
from pathlib import Path

from mypy import build
from mypy.config_parser import parse_config_file
from mypy.find_sources import create_source_list
from mypy.fscache import FileSystemCache
from mypy.nodes import Argument, MemberExpr, MypyFile, NameExpr, Node, RefExpr, SuperExpr, TypeInfo, Var
from mypy.options import Options
from mypy.types import (
    AnyType,
    CallableType,
    Instance,
    LiteralType,
    NoneType,
    Overloaded,
    TupleType,
    TypedDictType,
    TypeType,
    TypeVarType,
    UnionType,
    get_proper_type,
)


#: Attributes of mypy's nodes that lead elsewhere than down the tree.
SKIPPED = {"node", "info", "type", "definition", "analyzed", "names", "imports", "original_def"}


def classes_of(typ, name):
    """Return the classes whose member ``name`` is; None where the type does not say."""
    typ = get_proper_type(typ)
    if typ is None or isinstance(typ, AnyType):
        return None
    if isinstance(typ, TypeVarType):
        return classes_of(typ.upper_bound, name)
    if isinstance(typ, LiteralType):
        return classes_of(typ.fallback, name)
    if isinstance(typ, TupleType):
        return classes_of(typ.partial_fallback, name)
    if isinstance(typ, TypedDictType):
        return classes_of(typ.fallback, name)
    if isinstance(typ, TypeType):
        return classes_of(typ.item, name)
    if isinstance(typ, NoneType):
        return []
    if isinstance(typ, UnionType):
        found = []
        for item in typ.items:
            one = classes_of(item, name)
            if one is None:
                return None
            found += one
        return found
    if isinstance(typ, (CallableType, Overloaded)):
        if typ.is_type_obj():
            return classes_of(typ.items[0].ret_type, name) if isinstance(typ, Overloaded) else classes_of(typ.ret_type, name)
        return ["builtins.function"]
    if isinstance(typ, Instance):
        for base in typ.type.mro:
            if name in base.names:
                node = base.names[name].node
                # Managers made of querysets carry the querysets' methods under their own name.
                full = getattr(node, "fullname", "") or ""
                owner = full.rpartition(".")[0]
                return [base.fullname, *([owner] if owner and owner != base.fullname else [])]
        if typ.type.fallback_to_any or any(b.fallback_to_any for b in typ.type.mro):
            return None
        return [typ.type.fullname + "?"]
    return None


def main():
    options = Options()
    parse_config_file(options, lambda: None, "pyproject.toml", sys.stdout, sys.stderr)
    options.export_types = True
    options.preserve_asts = True
    options.incremental = False
    options.check_untyped_defs = True
    options.disallow_untyped_defs = False
    options.ignore_errors = True
    options.namespace_packages = True
    options.explicit_package_bases = True
    options.mypy_path = ["."]
    options.exclude = [r"migrations/"]
    sources = create_source_list(["allies", "config", "tests"], options, FileSystemCache())
    result = build.build(sources, options)
    out = {"attrs": [], "bases": {}, "has": {}, "errors": len(result.errors)}
    seen = set()

    def add(file, node):
        if node.end_column is None:
            return  # what mypy makes of an f-string
        name = node.name
        info = node.info if isinstance(node, SuperExpr) else None
        if isinstance(node, SuperExpr):
            found = None
            if info is not None:
                found = next(([b.fullname] for b in info.mro[1:] if name in b.names), None)
        else:
            typ = result.types.get(node.expr)
            if typ is None and isinstance(node.expr, NameExpr) and isinstance(node.expr.node, Var):
                typ = node.expr.node.type
            if isinstance(node.expr, RefExpr) and isinstance(node.expr.node, MypyFile):
                found = ["module"]
            elif isinstance(node.expr, RefExpr) and isinstance(node.expr.node, TypeInfo):
                info = node.expr.node
                found = next(([b.fullname] for b in info.mro if name in b.names), None)
                found = found or (None if info.fallback_to_any else [info.fullname + "?"])
            else:
                found = classes_of(typ, name)
        col = node.end_column - len(name.encode())
        out["attrs"].append([file, node.end_line, col, name, found])

    def walk(file, top):
        stack, visited = [top], set()
        while stack:
            node = stack.pop()
            if isinstance(node, (list, tuple)):
                stack += node
                continue
            if not isinstance(node, (Node, Argument)) or id(node) in visited:
                continue
            if isinstance(node, TypeInfo) or (isinstance(node, MypyFile) and node is not top):
                continue
            visited.add(id(node))
            if isinstance(node, (MemberExpr, SuperExpr)):
                add(file, node)
            for kind in type(node).__mro__:
                for name in getattr(kind, "__mypyc_attrs__", ()):
                    if name not in SKIPPED:
                        stack.append(getattr(node, name, None))

    def note(info):
        if info.fullname in seen:
            return
        seen.add(info.fullname)
        out["bases"][info.fullname] = [b.fullname for b in info.mro]
        out["has"][info.fullname] = sorted(info.names)

    for module, tree in result.files.items():
        if module.partition(".")[0] in ("allies", "config", "tests"):
            path = str(Path(tree.path)).removeprefix("./")
            walk(path, tree)
            for _full, sym, _info in tree.local_definitions():
                if isinstance(sym.node, TypeInfo):
                    for base in sym.node.mro:
                        note(base)
    json.dump(out, sys.stdout)


main()
