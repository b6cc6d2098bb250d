"""Rename and move what the map names in a clean checkout: python apply.py CHECKOUT [--check].

The tree after the mechanical part is kept as refs/renames/mechanical; patches (patches.py) follow.
Nothing is committed.
"""

import argparse
import ast
import io
import json
import os
import re
import subprocess
import sys
import textwrap
import tokenize
from collections import defaultdict
from pathlib import Path

from mapping import Mapping
from project import Project, module_name

HERE = Path(__file__).parent


def git(root, *args, **kwargs):
    return subprocess.run(
        ["git", "-C", str(root), *args], check=True, capture_output=True, text=True, **kwargs
    ).stdout


def infer_members(root):
    """Return what mypy knows of attributes; kept by the content of the tree, for it takes long."""
    key = git(root, "rev-parse", "HEAD^{tree}").strip()
    cache = HERE / ".cache" / f"{key}.json"
    if not cache.exists():
        cache.parent.mkdir(exist_ok=True)
        print("inferring types (about two minutes) …", flush=True)
        done = subprocess.run(
            [str(Path(root) / ".venv/bin/python"), str(HERE / "members.py")],
            cwd=root,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            sys.exit(done.stderr)
        cache.write_text(done.stdout)
    return json.loads(cache.read_text())


DOTTED = re.compile(r"(?<![\w./-])(allies|config|tests)((?:\.\w+)+)")


class Renamer:
    def __init__(self, project, mapping, members):
        self.p = project
        self.m = mapping
        self.types = {(f, line, col): found for f, line, col, _name, found in members["attrs"]}
        self.problems = []
        self.open = defaultdict(list)
        self.counts = defaultdict(int)
        self.locals_renamed = {}
        self.new_idents = defaultdict(set)
        for (_module, old), new in mapping.globals.items():
            self.new_idents[old].add(new)
        for (_owner, old), new in mapping.members.items():
            self.new_idents[old].add(new)
        self.paths = sorted(
            [*mapping.paths.items(), *mapping.folders.items()], key=lambda i: -len(i[0])
        )

    def settings_text(self, text):
        """Rewrite the names of settings, environment variables and commands in a text."""
        words = {
            **{k: v for k, v in self.m.settings.items() if k != "HTTPS"},
            **self.m.data.get("environment", {}),
            **self.m.data.get("commands", {}),
        }
        words = {k: v for k, v in words.items() if k in text}
        if words:
            # what begins with a longer name of another thing (ALLIES_IMPORT_MAX_CELL_LENGTH…) stays whole
            text = re.sub(
                rf"(?<![\w.])({'|'.join(sorted(words, key=len, reverse=True))})(?!\w|\()",
                lambda m: words[m[0]],
                text,
            )
        targets = self.m.data.get("targets", {})
        text = re.sub(
            rf"\bmake ({'|'.join(targets)})(?![\w-])", lambda m: f"make {targets[m[1]]}", text
        )
        return text

    def addresses(self, text, file):
        """Rewrite the names of addresses."""
        names = self.m.data.get("url_names", {})
        either = "|".join(sorted(names, key=len, reverse=True))
        if "allies:" in text:
            text = re.sub(
                rf"\ballies:({either})(?=[\"'\-])(?!-(?!atom|csv|json|xlsx|zip))",
                lambda m: f"allies:{names[m[1]]}",
                text,
            )
        if file in ("allies/urls.py", "allies/web/sitemaps.py", "tests/views/query_counts.json"):
            text = re.sub(
                rf"([\"'])({either})((?:-(?:atom|csv|json|xlsx|zip))?\1)",
                lambda m: f"{m[1]}{names[m[2]]}{m[3]}",
                text,
            )
        return text

    def makefile(self, text):
        for old, new in self.m.data.get("targets", {}).items():
            text = re.sub(rf"(?m)^{old}:", f"{new}:", text)
            text = re.sub(rf"(?m)^(\.PHONY:.*[ ]){old}(?![\w-])", rf"\g<1>{new}", text)
        return text

    def fixture_text(self, text):
        return self.m.data.get("fixtures", {}).get(text, text)

    def fixtures(self, file, refs, at, edit):
        """Rename fixtures where they are defined, asked for by an argument, or named as a string."""
        names = self.m.data.get("fixtures", {})
        if not file.startswith("tests/") or not names:
            return
        tree = self.p.trees[file]
        asking = set()  # functions whose arguments are fixtures
        defs = {}
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                is_fixture = any("fixture" in ast.unparse(d) for d in node.decorator_list)
                if is_fixture:
                    defs[id(node)] = node
                if is_fixture or (node.name.startswith("test_") and "/test_" in file):
                    asking.add(id(node))
        args = {}  # argument node → scope, of the functions that ask
        for node in ast.walk(tree):
            if id(node) in asking:
                for a in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
                    if a.arg in names:
                        args[id(a)] = a.arg
        scopes = {}
        for r in refs:
            if r.kind == "arg" and id(r.node) in args:
                scopes[r.bound] = scopes.get(r.bound, set()) | {r.text}
                edit(at(r.line, r.col), at(r.line, r.col) + len(r.text), names[r.text], "fixtures")
        for scope, olds in scopes.items():
            for old in olds:
                new = names[old]
                if new in scope.names:
                    self.problems.append(f"{file}: fixture {old} → {new}: is taken in a test")
        for r in refs:
            if r.kind == "name" and r.bound in scopes and r.text in scopes[r.bound]:
                new = names[r.text]
                edit(at(r.line, r.col), at(r.line, r.col) + len(r.text), new, "fixtures")
                self.locals_renamed.setdefault((file, r.text), set()).add(new)
                scope = r.scope
                while scope is not r.bound:
                    if new in scope.names and scope.kind != "class":
                        self.problems.append(
                            f"{file}:{r.line}: fixture {r.text} → {new}: is taken inside"
                        )
                    scope = scope.parent
        # their definitions
        for r in refs:
            if r.kind == "def" and id(r.node) in defs and r.text in names:
                new = names[r.text]
                source = self.p.files[file]
                start = at(r.line, r.col)
                found = re.compile(rb"def\s+(%s)\b" % r.text.encode()).search(source, start)
                edit(found.start(1), found.end(1), new, "fixtures")
                self.locals_renamed.setdefault((file, r.text), set()).add(new)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called.endswith(("usefixtures", "getfixturevalue")):
                    for a in node.args:
                        if isinstance(a, ast.Constant) and a.value in names:
                            start = at(a.lineno, a.col_offset) + 1
                            edit(start, start + len(a.value), names[a.value], "fixtures")

    # Texts: comments, docstrings, documents.

    def dotted(self, text):
        """Rewrite the dotted names of modules, and of what is in them, in a text."""

        def new(match):
            full = match[0]
            if full in self.m.keep_strings:
                return full
            parts = full.split(".")
            for end in range(len(parts), 1, -1):
                module = ".".join(parts[:end])
                if module in self.p.modules:
                    rest = parts[end:]
                    if rest:
                        found = self.p.resolve(module, rest[0])
                        if found is None and module == "allies":
                            return full
                        if found and found[0] == "g":
                            home = module if found[1] == module else found[1]
                            # what is re-exported by a package stays named by it
                            if found[1] != module and self.m.module(found[1]).startswith(
                                self.m.module(module) + "."
                            ):
                                home = module
                            rest[0] = self.m.name(found[1], found[2])
                            if len(rest) > 1:
                                rest[1] = (
                                    self.m.member(f"{found[1]}.{found[2]}", rest[1]) or rest[1]
                                )
                            module = home
                    return ".".join([self.m.module(module), *rest])
            for old in sorted(self.m.folders, key=len, reverse=True):
                if full == old.replace("/", ".") and "/" in old:
                    return self.m.folders[old].replace("/", ".")
            return full

        return DOTTED.sub(new, text)

    def slashed(self, text):
        """Rewrite paths of files and folders in a text, whole or without their first folder."""
        for old, new in self.paths:
            if old in text:
                text = re.sub(rf"(?<![\w.-]){re.escape(old)}(?![\w-]|\.\w)", new, text)
            stem = old.removesuffix(".py")
            if stem != old and stem.count("/") > 1 and stem in text:
                pattern = rf"(?<![\w/.-]){re.escape(stem)}(?![\w/-]|\.\w)"
                text = re.sub(pattern, new.removesuffix(".py"), text)
            for top in ("templates/", "static/"):
                name = old.removeprefix(top)
                if name != old and name in text:
                    text = re.sub(
                        rf"(?<![\w/.-]){re.escape(name)}(?![\w-]|\.\w)", new.removeprefix(top), text
                    )
            short = old.removeprefix("allies/")
            if short != old and "/" in short and short.endswith(".py") and short in text:
                text = re.sub(
                    rf"(?<![\w/.-]){re.escape(short)}(?!\w)", new.removeprefix("allies/"), text
                )
        return text

    def template(self, text):
        """Rewrite what stands in the tags and variables of a template."""
        t = self.m.data["templates"]
        names = "|".join(re.escape(k) for k in sorted(t["attributes"], key=len, reverse=True))

        def inside(match):
            tag = match[0]
            if re.match(r"{%\s*load\b", tag):
                return re.sub(r"\b\w+", lambda m: t["libraries"].get(m[0], m[0]), tag)
            tag = re.sub(rf"(?<!\w)({names})(?!\w)", lambda m: t["attributes"][m[0]], tag)
            tag = re.sub(
                r"({%\s*)(\w+)", lambda m: m[1] + t["tags"].get(m[2], m[2]), tag, count=1
            )
            return re.sub(r"\|(\w+)", lambda m: "|" + t["filters"].get(m[1], m[1]), tag)

        return re.sub(r"{%.*?%}|{{.*?}}", inside, text)

    def idents(self, text, lookup):
        """Rewrite identifiers between back-quotes, as far as ``lookup`` knows them."""

        def new(match):
            inner = match[2]
            parts = re.split(r"(\W+)", inner)
            if not re.fullmatch(r"[A-Za-z_][\w.]*(\(.*\))?", inner):
                return match[0]
            head = inner.partition("(")[0]
            names = head.split(".")
            done = [lookup(n, i, names) or n for i, n in enumerate(names)]
            return match[1] + ".".join(done) + inner[len(head) :] + match[3]

        return re.sub(r"(``?)([^`\n]+)(``?)", new, text)

    # Code.

    def file(self, file):
        source = self.p.files[file]
        starts = [0]
        for line in source.split(b"\n"):
            starts.append(starts[-1] + len(line) + 1)
        at = lambda line, col: starts[line - 1] + col
        edits = {}

        def edit(start, end, text, kind):
            old = source[start:end]
            new = text.encode()
            if old == new:
                return
            if (start, end) in edits and edits[start, end] != new:
                self.problems.append(f"{file}: two edits of {old!r}: {new!r}, {edits[start, end]!r}")
            edits[start, end] = new
            self.counts[kind] += 1

        module = module_name(file)
        refs = self.p.refs(file)
        bindings = defaultdict(dict)  # scope → new name → target
        chained = set()
        for r in reversed(refs):  # the longest of a chain first
            if r.kind == "attr":
                self._chain(r, at, edit, chained, source)
        for r in refs:
            if r.kind == "import":
                self._import(file, module, r, source, at, edit)
            elif r.kind in ("name", "global"):
                if id(r.node) in chained:
                    continue
                new = self.local_name(r)
                if r.scope.kind == "class" and r.bound is r.scope and r.scope.qual:
                    new = self.m.member(r.scope.qual, r.text)
                if new and new != r.text:
                    if r.kind == "global":
                        start = at(r.line, r.col)
                        end = source.index(b"\n", start)
                        found = re.search(rb"\b%s\b" % r.text.encode(), source[start:end])
                        edit(start + found.start(), start + found.end(), new, "names")
                    else:
                        start = at(r.line, r.col)
                        edit(start, start + len(r.text.encode()), new, "names")
                    self._check_free(file, r, new)
            elif r.kind == "def":
                new = None
                if r.bound is not None and r.bound.kind == "module":
                    new = self.local_name(r)
                elif r.scope.kind == "class" and r.scope.qual:
                    new = self.m.member(r.scope.qual, r.text)
                if new and new != r.text:
                    start = at(r.line, r.col)
                    found = re.compile(rb"(?:def|class)\s+(%s)\b" % r.text.encode()).search(
                        source, start
                    )
                    edit(found.start(1), found.end(1), new, "definitions")
                    if r.bound is not None and r.bound.kind == "module":
                        self._check_free(file, r, new)
            elif r.kind == "attr":
                if id(r.node) in chained:
                    continue
                new = None
                if r.target[0] == "g":
                    new = self.m.name(r.target[1], r.target[2])
                elif r.target[0] == "m":
                    new = self.m.module(r.target[1]).rpartition(".")[2]
                if new and new != r.text:
                    start = at(r.line, r.col)
                    edit(start, start + len(r.text.encode()), new, "names")
            elif r.kind == "member":
                new = self.member_at(r)
                if new and new != r.text:
                    start = at(r.line, r.col)
                    edit(start, start + len(r.text.encode()), new, "members")
            elif r.kind == "string":
                new = self.m.name(r.target[1], r.target[2]) if r.target[0] == "g" else None
                if new and new != r.text:
                    start = at(r.line, r.col)
                    edit(start + 1, start + 1 + len(r.text.encode()), new, "strings")
            elif r.kind == "memberstring":
                new = self.m.member(f"{r.target[1]}.{r.target[2]}", r.text)
                if new and new != r.text:
                    start = at(r.line, r.col)
                    edit(start + 1, start + 1 + len(r.text.encode()), new, "strings")
        self._keywords(file, refs, at, edit)
        self.fixtures(file, refs, at, edit)
        self._all(file, module, at, edit, source)
        self._tokens(file, module, source, starts, edits, edit)
        out, last = [], len(source)
        for (start, end), new in sorted(edits.items(), reverse=True):
            if end > last:
                self.problems.append(f"{file}: edits overlap at byte {start}: {source[start:end]!r}")
                continue
            out.append(source[end:last])
            out.append(new)
            last = start
        out.append(source[:last])
        return b"".join(reversed(out))

    def local_name(self, r):
        """Return what a name is called in its file in the new tree."""
        t = r.target
        if not t or r.bound is None or r.text in r.bound.aliased:
            return None
        if t[0] == "g" and (r.bound.kind == "module" or t[1] != module_name(r.file)):
            return self.m.name(t[1], t[2]) if t[2] == r.text else None
        if t[0] == "m" and t[1].rpartition(".")[2] == r.text and "." in t[1]:
            return self.m.module(t[1]).rpartition(".")[2]
        return None

    def _check_free(self, file, r, new):
        """Note where a new name means something else already."""
        scope = r.scope
        while scope is not None:
            there = scope.names.get(new, "missing")
            if there != "missing" and not (scope.kind == "class" and scope is not r.scope):
                if there is None or self.m.target(there) != self.m.target(r.target):
                    # the other one may be renamed too
                    if there and there[0] == "g" and self.m.name(there[1], there[2]) != new:
                        pass
                    else:
                        self.problems.append(f"{file}:{r.line}: {r.text} → {new}: is taken there")
            if scope is r.bound:
                break
            scope = scope.parent

    def member_at(self, r):
        """Return the new name of an attribute; None where it stays."""
        if isinstance(r.node.value, ast.Attribute) and r.node.value.attr == "mark":
            return self.m.data["markers"].get(r.text)
        if r.text in self.m.settings and r.text != "HTTPS" or (
            r.text == "HTTPS" and isinstance(r.node.value, ast.Name)
        ):
            return self.m.settings[r.text]
        if r.text not in self.m.by_name:
            return None
        found = self.types.get((r.file, r.line, r.col))
        if found:
            news = {self.m.member(c, r.text) for c in found if not c.endswith("?")}
            if len(news) == 1:
                return news.pop()
            if len(news - {None}) == 1 and None in news:
                # a manager's own class and the queryset's: the queryset's counts
                return (news - {None}).pop()
            if not news:
                found = None
            else:
                self.problems.append(f"{r.file}:{r.line}: .{r.text} may be any of {news}")
                return None
        where = f"{r.file}:{r.text}"
        if where in self.m.unresolved_at:
            return self.m.unresolved_at[where]
        if r.text in self.m.unresolved and len(self.m.by_name[r.text]) == 1:
            return next(iter(self.m.by_name[r.text]))
        self.open[r.text].append(f"{r.file}:{r.line}")
        return None

    def _chain(self, r, at, edit, chained, source):
        """Rewrite ``allies.models.fields.X``, as ``import allies.models.fields`` has it."""
        root, parts = r.node, [r.node]
        while isinstance(root, ast.Attribute):
            root = root.value
            parts.append(root)
        if not (isinstance(root, ast.Name) and root.id in ("allies", "config", "tests")):
            return
        if id(r.node) in chained:
            return
        if r.target[0] == "g":
            new = f"{self.m.module(r.target[1])}.{self.m.name(r.target[1], r.target[2])}"
        else:
            new = self.m.module(r.target[1])
        key = (at(root.lineno, root.col_offset), at(r.node.end_lineno, r.node.end_col_offset))
        chained.update(id(x) for x in parts)
        edit(*key, new, "names")

    def _import(self, file, module, r, source, at, edit):
        node = r.node
        start, end = at(node.lineno, node.col_offset), at(node.end_lineno, node.end_col_offset)
        if isinstance(node, ast.Import):
            parts = []
            for a in node.names:
                new = self.m.module(a.name)
                parts.append(f"{new} as {a.asname}" if a.asname else new)
            if any(a.name.partition(".")[0] in ("allies", "config", "tests") for a in node.names):
                edit(start, end, "import " + ", ".join(parts), "imports")
            return
        origin = self.p.from_module(module, node)
        if origin.partition(".")[0] not in ("allies", "config", "tests"):
            return
        lines = defaultdict(list)
        for a in node.names:
            t = self.p.imported(origin, a.name) if a.name != "*" else None
            new_origin, new = self.m.module(origin), a.name
            if t is not None and t[0] == "m":
                new_origin, _dot, new = self.m.module(t[1]).rpartition(".")
            elif t is not None and t[0] == "g":
                new = self.m.name(t[1], t[2]) if t[2] == a.name else a.name
                home = self.m.module(t[1])
                if t[1] != origin and origin in self.p.packages and home != new_origin:
                    if not home.startswith(new_origin + "."):
                        new_origin = home
            if file == "allies/models/__init__.py" and not new_origin.startswith("allies.models"):
                continue
            asname = f" as {a.asname}" if a.asname and a.asname != new else ""
            lines[new_origin].append(f"{new}{asname}")
        old = source[start:end].decode()
        if not lines:
            stop = end + 1 if source[end : end + 1] == b"\n" else end
            edit(start, stop, "", "imports")
            return
        same = len(lines) == 1 and next(iter(lines)) == origin
        names = [f"{a.name} as {a.asname}" if a.asname else a.name for a in node.names]
        if same and next(iter(lines.values())) == names:
            return
        indent = b" " * node.col_offset
        tail = source[end : source.find(b"\n", end)].decode()
        noqa = tail if "# noqa" in tail else ""
        glue = f"{noqa}\n{indent.decode()}"
        new = glue.join(
            f"from {o} import {', '.join(sorted(n))}" if not noqa or len(n) == 1 else
            f"from {o} import {', '.join(sorted(n))}"
            for o, n in lines.items()
        )
        edit(start, end, new, "imports")

    def _keywords(self, file, refs, at, edit):
        """Rename the keywords of calls that make a dataclass or a named tuple."""
        calls = {}
        for node in ast.walk(self.p.trees[file]):
            if isinstance(node, ast.Call):
                for k in node.keywords:
                    calls[id(k)] = node
        by_node = {id(r.node): r for r in refs}
        for r in refs:
            if r.kind != "keyword" or r.text not in self.m.by_name:
                continue
            call = calls.get(id(r.node))
            f = by_node.get(id(call.func)) if call else None
            new = None
            where = f"{file}:{r.text}="
            if r.text in self.m.settings:
                new = self.m.settings[r.text]
            elif where in self.m.unresolved_at:
                new = self.m.unresolved_at[where]
            elif f is not None and f.target and f.target[0] == "g":
                new = self.m.member(f"{f.target[1]}.{f.target[2]}", r.text)
            elif f is not None and f.text == "cls" and f.scope.parent is not None:
                scope = f.scope
                while scope is not None and not scope.qual:
                    scope = scope.parent
                new = self.m.member(scope.qual, r.text) if scope else None
            elif f is not None and f.text in ("_replace", "replace"):
                self.open[r.text].append(f"{file}:{r.line}=")
            if new:
                start = at(r.node.lineno, r.node.col_offset)
                edit(start, start + len(r.text.encode()), new, "keywords")

    def _all(self, file, module, at, edit, source):
        for node in self.p.trees[file].body:
            if isinstance(node, ast.Assign) and any(
                isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets
            ):
                for c in node.value.elts:
                    found = self.p.resolve(module, c.value)
                    if found is None:
                        continue
                    start, end = at(c.lineno, c.col_offset), at(c.end_lineno, c.end_col_offset)
                    home = self.m.target(found)
                    if file == "allies/models/__init__.py" and not home[1].startswith(
                        "allies.models"
                    ):
                        stop = source.index(b"\n", end) + 1
                        edit(source.rfind(b"\n", 0, start) + 1, stop, "", "names")
                    elif home[-1].rpartition(".")[2] != c.value:
                        edit(start + 1, end - 1, home[-1].rpartition(".")[2], "names")

    def _snippet(self, text):
        """Rewrite code inside a string: its imports, and the names it imports."""
        renamed = {}

        def imported(match):
            origin, names = match[1], match[2].split(", ")
            news, out = set(), []
            for name in names:
                bare, _as, alias = name.partition(" as ")
                t = self.p.imported(origin, bare)
                new_origin, new = self.m.module(origin), bare
                if t and t[0] == "m":
                    new_origin, _dot, new = self.m.module(t[1]).rpartition(".")
                elif t and t[0] == "g":
                    new = self.m.name(t[1], t[2])
                    home = self.m.module(t[1])
                    if home != new_origin and not home.startswith(new_origin + "."):
                        new_origin = home
                news.add(new_origin)
                if not alias and new != bare:
                    renamed[bare] = new
                out.append(f"{new} as {alias}" if alias else new)
            if len(news) > 1:
                self.problems.append(f"in a string: {match[0]!r} now has several homes")
            return f"from {news.pop()} import {', '.join(out)}"

        new = re.sub(r"\bfrom ((?:allies|tests|config)(?:\.\w+)*) import (\w+(?: as \w+)?(?:, \w+(?: as \w+)?)*)", imported, text)
        for old, name in renamed.items():
            head, tail = new, ""
            new = re.sub(rf"(?<![\w.]){old}(?!\w)", name, head) + tail
        return new

    def _tokens(self, file, module, source, starts, edits, edit):
        taken = sorted(edits)
        tree = self.p.trees[file]
        docstrings = set()
        for node in ast.walk(tree):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                if node.body and isinstance(node.body[0], ast.Expr):
                    c = node.body[0].value
                    if isinstance(c, ast.Constant) and isinstance(c.value, str):
                        docstrings.add(c.lineno)
        lines = source.decode().split("\n")
        for t in tokenize.tokenize(io.BytesIO(source).readline):
            if t.type not in (tokenize.STRING, tokenize.COMMENT):
                continue
            start = starts[t.start[0] - 1] + len(lines[t.start[0] - 1][: t.start[1]].encode())
            end = starts[t.end[0] - 1] + len(lines[t.end[0] - 1][: t.end[1]].encode())
            if any(s < end and e > start for s, e in taken):
                continue
            text = t.string
            is_prose = t.type == tokenize.COMMENT or t.start[0] in docstrings
            new = text
            if "import " in text and not is_prose:
                new = self._snippet(new)
            new = self.dotted(new)
            new = self.slashed(new)
            new = self.settings_text(new)
            if not is_prose:
                new = self.addresses(new, file)
            if "{%" in new or "{{" in new:
                new = self.template(new)
            whole = re.fullmatch(r"([\"'])(\w+)\1", new)
            if whole and not is_prose:
                strings = self.m.data["strings"]["rename"]
                new = f"{whole[1]}{strings.get(whole[2], whole[2])}{whole[1]}"
            if is_prose:
                new = self.idents(new, lambda n, i, names: self._prose_name(module, n, i, names))
            if new != text:
                edit(start, end, new, "texts")

    def _prose_name(self, module, name, i, names):
        if i == 0:
            found = self.p.resolve(module, name)
            if found and found[0] == "g":
                return self.m.name(found[1], found[2])
        news = self.new_idents.get(name, set())
        if len(news) == 1 and (i > 0 or "_" in name.strip("_") or name[:1].isupper()):
            return next(iter(news))
        return None

    def document(self, text, name):
        """Rewrite a file that is no Python."""
        text = self.settings_text(self.slashed(self.dotted(text)))
        if name.endswith((".html", ".json", ".txt")):
            text = self.addresses(text, name)
        if name == "Makefile":
            text = self.makefile(text)
        if name.startswith("templates/"):
            return self.template(text)
        unique = lambda n, i, names: (
            next(iter(self.new_idents[n]))
            if len(self.new_idents.get(n, ())) == 1 and ("_" in n.strip("_") or n[:1].isupper())
            else None
        )
        return self.idents(text, unique)


DOCUMENTS = (".md", ".toml", ".yaml", ".yml", ".html", ".txt", ".in", ".json")
UNTOUCHED = ("CHANGELOG.md", "requirements", "allies/starter/")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--check", action="store_true", help="say what would be wrong; write nothing")
    parser.add_argument("--no-patches", action="store_true")
    args = parser.parse_args()
    root = args.checkout.resolve()
    if git(root, "status", "--porcelain", "--untracked-files=no").strip():
        sys.exit("The checkout has changes that are not committed.")
    members = infer_members(root)
    project = Project(root)
    mapping = Mapping(project, members)
    renamer = Renamer(project, mapping, members)
    contents = {f: renamer.file(f) for f in project.files}
    for f in project.tracked:
        if f in contents or f.startswith(UNTOUCHED):
            continue
        name = Path(f).name
        if f.endswith(".po"):
            before = (root / f).read_text()
            if (after := renamer.slashed(before)) != before:
                contents[f] = after.encode()
        elif f.endswith(DOCUMENTS) or name in ("Makefile", "Dockerfile", "run", "compose.yaml"):
            before = (root / f).read_text()
            after = renamer.document(before, f)
            if after != before:
                contents[f] = after.encode()
    for line in mapping.stale:
        print("not there any more:", line)
    for line in renamer.problems:
        print("problem:", line)
    for name, places in sorted(renamer.open.items()):
        print(f"type unknown: .{name} ({len(places)})")
        for place in places if args.check else ():
            path, line = place.rstrip("=").rsplit(":", 1)
            code = project.files[path].decode().split("\n")[int(line) - 1].strip()
            print(f"    {place}: {code}")
    print(dict(renamer.counts))
    if args.check:
        return
    if renamer.problems:
        sys.exit("Nothing was written.")
    for f, content in contents.items():
        (root / f).write_bytes(content)
    for old, new in mapping.paths.items():
        (root / new).parent.mkdir(parents=True, exist_ok=True)
        git(root, "mv", old, new)
    for package, says in mapping.packages.items():
        init = root / package / "__init__.py"
        if not init.exists():
            init.parent.mkdir(parents=True, exist_ok=True)
            init.write_text(f'"""{says}"""\n' if says else "")
    tidy(root)
    git(root, "add", "-A")
    git(root, "update-ref", "refs/renames/mechanical", git(root, "write-tree").strip())
    if not args.no_patches and (HERE / "patches.py").exists():
        import patches

        patches.apply(root)
        tidy(root)
        git(root, "add", "-A")


def tidy(root):
    ruff = str(root / ".venv/bin/ruff")

    def run(*command):
        return subprocess.run([ruff, *command], cwd=root, check=False, capture_output=True, text=True)

    for _round in range(4):
        run("check", "--select", "I,RUF022,F401", "--fix", "-q", ".")
        run("format", "-q", ".")
        found = json.loads(run("check", "--select", "E501", "--output-format", "json", ".").stdout)
        if not any([wrap(Path(f["filename"]), f["location"]["row"]) for f in reversed(found)]):
            break


def wrap(path, number, width=100):
    """Break a line that became too long: prose at a blank, a string in two. Says if it did."""
    lines = path.read_text().split("\n")
    line = lines[number - 1]
    if len(line) <= width:
        return False
    indent = line[: len(line) - len(line.lstrip())]
    comment = re.match(r"\s*(#:?) ", line)
    if comment:
        prefix = f"{indent}{comment[1]} "
        last = number
        while last < len(lines) and lines[last].startswith(prefix):
            last += 1
        words = " ".join(x[len(prefix) :].strip() for x in lines[number - 1 : last])
        wrapped = textwrap.wrap(
            words, width - len(prefix), break_long_words=False, break_on_hyphens=False
        )
        lines[number - 1 : last] = [prefix + x for x in wrapped]
    elif in_docstring(path, number):
        last = number
        while not lines[last - 1].rstrip().endswith('"""') and re.match(
            rf"{indent}[^\s\"-]", lines[last]
        ):
            last += 1
        head = line.lstrip()[:3] == '"""'
        words = " ".join(x.strip() for x in lines[number - 1 : last])
        if head and last == number and words.endswith('"""') and len(words) > 3:
            body = words[3:-3]
            cut = body.rfind(". ", 0, width - len(indent) - 4)
            if cut > 0:  # a summary, and then the rest
                lines[number - 1 : last] = [
                    f'{indent}"""{body[: cut + 1]}',
                    "",
                    *textwrap.wrap(body[cut + 2 :], width, initial_indent=indent,
                                   subsequent_indent=indent, break_long_words=False,
                                   break_on_hyphens=False),
                    f'{indent}"""',
                ]
                path.write_text("\n".join(lines))
                return True
        wrapped = textwrap.wrap(
            words, width - len(indent), break_long_words=False, break_on_hyphens=False
        )
        lines[number - 1 : last] = [indent + x for x in wrapped]
    else:
        strings = [*re.finditer(r"f?\"[^\"]{20,}\"", line)]
        if not strings or line.lstrip()[:1] == "@":
            return False
        string = max(strings, key=lambda m: len(m[0]))
        cut = string[0].rfind(" ", 0, len(string[0]) * 2 // 3)
        if cut < 5 or "{" in string[0][:cut].rpartition("}")[2]:
            return False
        f = "f" if string[0][0] == "f" else ""
        new = f'{string[0][: cut + 1]}" {f}"{string[0][cut + 1 :]}'
        lines[number - 1] = line[: string.start()] + new + line[string.end() :]
    path.write_text("\n".join(lines))
    return True


def in_docstring(path, number):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            if isinstance(node.value.value, str) and node.lineno <= number <= node.end_lineno:
                return True
    return False


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    main()
