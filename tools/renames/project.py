"""Read a checkout: which module defines what, and what every name in it refers to.

Positions are those of ``ast``: lines from 1, columns in bytes. Nothing is imported or run.
"""

import ast
import builtins
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

ROOTS = ("allies", "config", "tests", "docs", "manage.py", "tools")


def module_name(path):
    parts = list(Path(path).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@dataclass(eq=False)
class Scope:
    """A module, class, function, lambda or comprehension, and what its names are bound to.

    ``names`` maps a name to a target: ("m", module), ("g", module, name), ("local",) or None
    (something of another distribution).
    """

    kind: str
    parent: "Scope | None"
    names: dict = field(default_factory=dict)
    aliased: set = field(default_factory=set)
    globals: set = field(default_factory=set)
    nonlocals: set = field(default_factory=set)
    qual: str = ""


@dataclass
class Ref:
    """A place in a file that names something."""

    file: str
    line: int
    col: int
    text: str
    target: tuple
    scope: Scope
    bound: Scope | None = None
    kind: str = "name"
    node: object = None


class Project:
    def __init__(self, root):
        self.root = Path(root)
        out = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z"], check=True, capture_output=True
        ).stdout.decode()
        self.tracked = [f for f in out.split("\0") if f and (self.root / f).is_file()]
        self.files = {f: (self.root / f).read_bytes() for f in self.tracked if f.endswith(".py")}
        self.trees = {f: ast.parse(s) for f, s in self.files.items()}
        self.modules = {module_name(f): f for f in self.files}
        self.packages = {module_name(f) for f in self.files if f.endswith("__init__.py")}
        self.defs = {m: self._defs(self.trees[f]) for m, f in self.modules.items()}
        self.imports = {m: self._imports(m, self.trees[f]) for m, f in self.modules.items()}

    # What a module binds.

    @staticmethod
    def _defs(tree):
        found = {}

        def walk(body):
            for node in body:
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                    found.setdefault(node.name, node)
                elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    for t in targets:
                        for n in ast.walk(t):
                            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store):
                                found.setdefault(n.id, node)
                elif isinstance(node, (ast.For, ast.With, ast.While, ast.If, ast.Try)):
                    if isinstance(node, ast.For):
                        for n in ast.walk(node.target):
                            if isinstance(n, ast.Name):
                                found.setdefault(n.id, node)
                    if isinstance(node, ast.With):
                        for item in node.items:
                            if item.optional_vars is not None:
                                for n in ast.walk(item.optional_vars):
                                    if isinstance(n, ast.Name):
                                        found.setdefault(n.id, node)
                    for part in ("body", "orelse", "finalbody"):
                        walk(getattr(node, part, []))
                    for handler in getattr(node, "handlers", []):
                        walk(handler.body)
                for n in ast.walk(node):
                    if isinstance(n, ast.NamedExpr):
                        found.setdefault(n.target.id, node)

        walk(tree.body)
        # Names a function declares global are the module's.
        for node in ast.walk(tree):
            if isinstance(node, ast.Global):
                for name in node.names:
                    found.setdefault(name, node)
        return found

    def from_module(self, module, node):
        """Return the absolute name of the module a ``from`` import names."""
        if not node.level:
            return node.module
        base = module if module in self.packages else module.rpartition(".")[0]
        for _ in range(node.level - 1):
            base = base.rpartition(".")[0]
        return f"{base}.{node.module}" if node.module else base

    def _imports(self, module, tree):
        found = {}
        for node in self._top(tree.body):
            if isinstance(node, ast.ImportFrom):
                source = self.from_module(module, node)
                for alias in node.names:
                    found[alias.asname or alias.name] = (source, alias.name)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.asname:
                        found[alias.asname] = (alias.name, None)
                    else:
                        found[alias.name.partition(".")[0]] = (alias.name.partition(".")[0], None)
        return found

    def _top(self, body):
        for node in body:
            yield node
            for part in ("body", "orelse", "finalbody"):
                if isinstance(node, (ast.If, ast.Try, ast.With)):
                    yield from self._top(getattr(node, part, []))
            for handler in getattr(node, "handlers", []):
                yield from self._top(handler.body)

    def resolve(self, module, name, seen=()):
        """Return what ``module.name`` is: ("m", module) or ("g", module, name), else None."""
        if (module, name) in seen:
            return None
        if module not in self.modules:
            return None
        if name in self.defs[module]:
            return ("g", module, name)
        if name in self.imports[module]:
            source, what = self.imports[module][name]
            return self.imported(source, what, (*seen, (module, name)))
        if f"{module}.{name}" in self.modules:
            return ("m", f"{module}.{name}")
        return None

    def imported(self, source, what, seen=()):
        if what is None:
            return ("m", source) if source in self.modules or self._is_ours(source) else None
        if source in self.modules:
            found = self.resolve(source, what, seen)
            if found:
                return found
        if f"{source}.{what}" in self.modules:
            return ("m", f"{source}.{what}")
        return None

    def _is_ours(self, name):
        return any(m == name or m.startswith(name + ".") for m in self.modules)

    # What every name refers to.

    def refs(self, file):
        return _Walker(self, file).run()


BUILTINS = {*dir(builtins)}


class _Walker(ast.NodeVisitor):
    def __init__(self, project, file):
        self.p = project
        self.file = file
        self.module = module_name(file)
        self.out = []
        self.tree = project.trees[file]
        self.typing = False

    def run(self):
        self.scope = Scope("module", None)
        for name in self.p.defs[self.module]:
            self.scope.names[name] = ("g", self.module, name)
        self._bind_imports(self.p._top(self.tree.body), self.scope)
        for node in self.tree.body:
            self.visit(node)
        return self.out

    # Scopes.

    def _bind_imports(self, nodes, scope):
        for node in nodes:
            if isinstance(node, ast.ImportFrom):
                source = self.p.from_module(self.module, node)
                for a in node.names:
                    scope.names[a.asname or a.name] = self.p.imported(source, a.name)
                    if a.asname:
                        scope.aliased.add(a.asname)
            elif isinstance(node, ast.Import):
                for a in node.names:
                    if a.asname:
                        scope.names[a.asname] = self.p.imported(a.name, None)
                        scope.aliased.add(a.asname)
                    else:
                        top = a.name.partition(".")[0]
                        scope.names[top] = self.p.imported(top, None)

    def _lookup(self, name):
        scope, first = self.scope, True
        while scope is not None:
            if name in scope.globals:
                top = scope
                while top.parent is not None:
                    top = top.parent
                return top.names.get(name, "missing"), top
            if name in scope.names and (scope.kind != "class" or first):
                return scope.names[name], scope
            if scope.kind not in ("comp",):
                first = False
            scope = scope.parent
        return "missing", None

    def _function_scope(self, node, kind="function"):
        scope = Scope(kind, self.scope)
        args = node.args
        for a in [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]:
            if a is not None:
                scope.names[a.arg] = ("local",)
        if kind == "function":
            self._bind_body(node.body, scope)
        else:
            for n in ast.walk(node.body):
                if isinstance(n, ast.NamedExpr):
                    scope.names[n.target.id] = ("local",)
        return scope

    def _bind_body(self, body, scope):
        """Collect what a function's or class's body binds, without going into inner scopes."""
        stack = list(body)
        imports = []
        while stack:
            n = stack.pop()
            if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                scope.names[n.name] = ("local",)
                stack += n.decorator_list
                continue
            if isinstance(n, ast.Lambda):
                continue
            if isinstance(n, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
                for x in ast.walk(n):
                    if isinstance(x, ast.NamedExpr):
                        scope.names[x.target.id] = ("local",)
                continue
            if isinstance(n, ast.Global):
                scope.globals |= {*n.names}
            elif isinstance(n, ast.Nonlocal):
                scope.nonlocals |= {*n.names}
            elif isinstance(n, (ast.Import, ast.ImportFrom)):
                imports.append(n)
            elif isinstance(n, ast.Name) and isinstance(n.ctx, (ast.Store, ast.Del)):
                scope.names.setdefault(n.id, ("local",))
            elif isinstance(n, ast.ExceptHandler) and n.name:
                scope.names.setdefault(n.name, ("local",))
            elif isinstance(n, (ast.MatchAs, ast.MatchStar)) and n.name:
                scope.names.setdefault(n.name, ("local",))
            stack += ast.iter_child_nodes(n)
        self._bind_imports(imports, scope)
        for name in scope.globals | scope.nonlocals:
            scope.names.pop(name, None)

    # Visiting.

    def _add(self, node, text, target, bound, kind="name", line=None, col=None):
        self.out.append(
            Ref(
                self.file,
                line if line is not None else node.lineno,
                col if col is not None else node.col_offset,
                text,
                target,
                self.scope,
                bound,
                kind,
                node,
            )
        )

    def visit_Name(self, node):
        target, bound = self._lookup(node.id)
        if target == "missing":
            target = ("builtin", node.id) if node.id in BUILTINS else ("missing", node.id)
        self._add(node, node.id, target, bound)

    def _module_of(self, node):
        """Return the module an expression is, if it is one."""
        if isinstance(node, ast.Name):
            target, _bound = self._lookup(node.id)
            return target[1] if target and target[0] == "m" else None
        if isinstance(node, ast.Attribute):
            base = self._module_of(node.value)
            if base is not None:
                found = self.p.resolve(base, node.attr) or (
                    ("m", f"{base}.{node.attr}") if self.p._is_ours(f"{base}.{node.attr}") else None
                )
                return found[1] if found and found[0] == "m" else None
        return None

    def _global_of(self, node):
        if isinstance(node, ast.Name):
            target, _bound = self._lookup(node.id)
            return target if target and target[0] in "gm" else None
        if isinstance(node, ast.Attribute):
            base = self._module_of(node.value)
            if base is not None:
                if f"{base}" in self.p.modules:
                    found = self.p.resolve(base, node.attr)
                    if found:
                        return found
                if self.p._is_ours(f"{base}.{node.attr}"):
                    return ("m", f"{base}.{node.attr}")
        return None

    def visit_Attribute(self, node):
        self.visit(node.value)
        target = self._global_of(node)
        col = node.end_col_offset - len(node.attr.encode())
        self._add(
            node, node.attr, target, None, "attr" if target else "member", node.end_lineno, col
        )

    def visit_Call(self, node):
        # setattr(module, "NAME", …), patch.object(module, "NAME"), getattr(module, "NAME")
        args = node.args
        if isinstance(node.func, ast.Name) and node.func.id == "cast" and args:
            self._type(args[0])
            for a in args[1:]:
                self.visit(a)
            return
        if isinstance(node.func, ast.Name) and node.func.id == "TypeVar":
            for a in node.args:
                self.visit(a)
            for k in node.keywords:
                (self._type if k.arg == "bound" else self.visit)(k.value)
            return
        if len(args) >= 2 and isinstance(args[1], ast.Constant) and isinstance(args[1].value, str):
            base = self._global_of(args[0])
            if base and base[0] == "m" and base[1] in self.p.modules:
                found = self.p.resolve(base[1], args[1].value)
                if found:
                    self._add(args[1], args[1].value, found, None, "string")
            elif base and base[0] == "g":
                self._add(args[1], args[1].value, ("c", base[1], base[2]), None, "memberstring")
        self.generic_visit(node)

    def visit_Constant(self, node):
        if isinstance(node.value, str):
            if self.typing and self._annotation(node):
                return
            self._add(node, node.value, None, None, "text")

    def _annotation(self, node):
        """Visit the names in a type that is written as a string, where it lies on one line."""
        raw = self.p.files[self.file].split(b"\n")[node.lineno - 1]
        raw = raw[node.col_offset : node.end_col_offset]
        if node.lineno != node.end_lineno or raw[1:-1].decode() != node.value:
            return False
        try:
            tree = ast.parse(node.value, mode="eval").body
        except SyntaxError:
            return False
        for n in ast.walk(tree):
            if isinstance(n, (ast.expr, ast.keyword)):
                n.lineno = n.end_lineno = node.lineno
                n.col_offset += node.col_offset + 1
                n.end_col_offset += node.col_offset + 1
        self.visit(tree)
        return True

    def _type(self, node):
        if node is not None:
            outer, self.typing = self.typing, True
            self.visit(node)
            self.typing = outer

    def visit_AnnAssign(self, node):
        self.visit(node.target)
        self._type(node.annotation)
        if node.value is not None:
            self.visit(node.value)

    def visit_Subscript(self, node):
        self.visit(node.value)
        if isinstance(node.value, ast.Name) and node.value.id == "Literal":
            outer, self.typing = self.typing, False
            self.visit(node.slice)
            self.typing = outer
        else:
            self.visit(node.slice)

    def _def(self, node):
        for d in node.decorator_list:
            self.visit(d)
        target, bound = self._lookup(node.name)
        self._add(node, node.name, target if target != "missing" else None, bound, "def")

    def visit_FunctionDef(self, node):
        self._def(node)
        for d in [*node.args.defaults, *(x for x in node.args.kw_defaults if x is not None)]:
            self.visit(d)
        a = node.args
        for x in [*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg]:
            if x is not None and x.annotation is not None:
                self._type(x.annotation)
        if node.returns is not None:
            self._type(node.returns)
        outer, self.scope = self.scope, self._function_scope(node)
        for x in [*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg]:
            if x is not None:
                self._add(x, x.arg, ("local",), self.scope, "arg")
        for n in node.body:
            self.visit(n)
        self.scope = outer

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node):
        for d in [*node.args.defaults, *(x for x in node.args.kw_defaults if x is not None)]:
            self.visit(d)
        outer, self.scope = self.scope, self._function_scope(node, "lambda")
        self.visit(node.body)
        self.scope = outer

    def visit_ClassDef(self, node):
        self._def(node)
        for b in node.bases:
            self._type(b)
        for b in node.keywords:
            self.visit(b)
        outer, self.scope = self.scope, Scope("class", self.scope)
        inside = outer.kind in ("module", "class")
        self.scope.qual = f"{outer.qual}.{node.name}" if outer.qual else f"{self.module}.{node.name}"
        if not inside:
            self.scope.qual = ""
        self._bind_body(node.body, self.scope)
        for n in node.body:
            self.visit(n)
        self.scope = outer

    def _comp(self, node):
        first, *rest = node.generators
        self.visit(first.iter)
        outer, self.scope = self.scope, Scope("comp", self.scope)
        for g in node.generators:
            for n in ast.walk(g.target):
                if isinstance(n, ast.Name):
                    self.scope.names[n.id] = ("local",)
        self.visit(first.target)
        for c in first.ifs:
            self.visit(c)
        for g in rest:
            self.visit(g)
        if isinstance(node, ast.DictComp):
            self.visit(node.key)
            self.visit(node.value)
        else:
            self.visit(node.elt)
        self.scope = outer

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comp

    def visit_keyword(self, node, call=None):
        if node.arg:
            self._add(node, node.arg, None, None, "keyword")
        self.visit(node.value)

    def visit_Global(self, node):
        for name in node.names:
            self._add(node, name, ("g", self.module, name), None, "global")

    def visit_Import(self, node):
        self._add(node, "", None, None, "import")

    def visit_ImportFrom(self, node):
        self._add(node, "", None, None, "import")
