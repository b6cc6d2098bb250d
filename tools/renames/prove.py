"""Prove that the mechanical part renamed and changed nothing: python prove.py BEFORE AFTER.

BEFORE is a checkout of the commit AFTER was made from; AFTER is a checkout in which apply.py ran.
Compared are BEFORE and the tree apply.py kept as refs/renames/mechanical, before its patches:

1. Every Python file, node by node, docstrings and comments left out. What may differ is names, and
   strings. Names are not compared as text but by what they refer to: each tree is resolved by
   itself, and the definition a name leads to in the new tree has to be where the map puts the
   definition it led to in the old one. So nothing is captured or left dangling.
2. Names of members: only as the map says; how often each was renamed and how often it stays.
3. Strings that differ: all of them are listed (strings.txt), with the rule that allows it.
4. Files that are no Python: nothing but words differs, and these are listed (documents.txt).
5. Definitions: that no two of a scope have one name now.
6. ``makemigrations --check``, and ``sqlmigrate`` of every migration, of BEFORE and of AFTER with its
   patches.
"""

import ast
import difflib
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from apply import Renamer, git, infer_members
from mapping import Mapping
from project import Project, module_name

FAILED = []


def fail(message):
    FAILED.append(message)
    print("FAILED:", message)


class Flat:
    """A module as a list of (kind, text, target), in the order of its nodes."""

    def __init__(self, project, file, mapping):
        self.p, self.file, self.m = project, file, mapping
        self.out = []
        self.targets = {}
        for ref in project.refs(file):
            self.targets.setdefault((id(ref.node), ref.text), ref)
        tree = project.trees[file]
        self.node(tree)

    def mapped(self, target):
        if self.m is None or target is None:
            return target
        if target[0] == "builtin":
            return target
        return self.m.target(target)

    def add(self, *what):
        self.out.append(what)

    def body(self, nodes, has_docstring):
        nodes = list(nodes)
        if has_docstring and nodes and isinstance(nodes[0], ast.Expr):
            value = nodes[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                nodes = nodes[1:]
        imports = []
        for node in [*nodes, None]:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                imports.append(node)
                continue
            if imports:
                self.imports(imports)
                imports = []
            if node is not None:
                self.node(node)

    def imports(self, nodes):
        found = set()
        module = module_name(self.file)
        for node in nodes:
            if isinstance(node, ast.ImportFrom):
                origin = self.p.from_module(module, node)
                for a in node.names:
                    target = self.p.imported(origin, a.name) if a.name != "*" else None
                    if target is None:
                        ours = origin.split(".")[0] in ("allies", "config", "tests")
                        if ours and self.m is not None:
                            origin = self.m.module(origin)
                        found.add((origin, a.name, a.asname))
                    else:
                        target = self.mapped(target)
                        # a name bound as the definition is called is renamed with it
                        found.add((target, a.asname if a.asname != target[-1] else None))
            else:
                for a in node.names:
                    target = self.p.imported(a.name, None)
                    found.add((self.mapped(target) or a.name, a.asname))
        self.add("imports", frozenset(found))

    def node(self, node):
        kind = type(node).__name__
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            self.add(kind, self.name_of(node))
            if isinstance(node, ast.Module):
                self.body(node.body, True)
                return
            for part in ("decorator_list", "bases", "keywords", "args", "returns"):
                value = getattr(node, part, None)
                for one in value if isinstance(value, list) else [value] if value else []:
                    self.node(one)
            self.body(node.body, True)
            return
        if isinstance(node, ast.Name):
            self.add(kind, self.name_of(node))
            return
        if isinstance(node, ast.Attribute):
            ref = self.targets.get((id(node), node.attr))
            if ref is not None and ref.target:
                root = node
                while isinstance(root, ast.Attribute):
                    root = root.value
                if isinstance(root, ast.Name) and root.id in ("allies", "config", "tests"):
                    self.add("Chain", ("to", self.mapped(ref.target)))
                    return
                self.node(node.value)
                self.add(kind, ("to", self.mapped(ref.target)))
                return
            self.node(node.value)
            self.add(kind, ("member", node.attr))
            return
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets
        ):
            module = module_name(self.file)
            names = {self.mapped(self.p.resolve(module, e.value)) or e.value for e in node.value.elts}
            self.add("__all__", frozenset(names))
            return
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                self.add(kind, ("string", node.value))
            else:
                self.add(kind, repr(node.value))
            return
        if isinstance(node, ast.keyword):
            self.add(kind, ("member", node.arg))
            self.node(node.value)
            return
        if isinstance(node, ast.Global):
            self.add(kind, len(node.names))
            return
        self.add(kind)
        for name, value in ast.iter_fields(node):
            if name in ("ctx", "type_comment", "kind"):
                continue
            if name in ("body", "orelse", "finalbody") and isinstance(value, list):
                self.add("block", name)
                self.body(value, False)
            elif isinstance(value, list):
                self.add("list", name, len(value))
                for one in value:
                    if isinstance(one, ast.AST):
                        self.node(one)
                    else:
                        self.add("value", one)
            elif isinstance(value, ast.AST):
                self.node(value)
            elif value is not None:
                self.add("value", name, value)

    def name_of(self, node):
        text = getattr(node, "id", None) or getattr(node, "name", None)
        if text is None:
            return None
        ref = self.targets.get((id(node), text))
        if ref is None or not ref.target or ref.target[0] in ("local", "missing"):
            if ref is not None and ref.scope.kind == "class" and (
                ref.bound is ref.scope or ref.kind == "def"
            ):
                return ("member", text)
            return ("local", text)
        return ("to", self.mapped(ref.target))


def compare_code(before, after, mapping, renamer):
    counts = Counter()
    strings = []
    dropped = ("allies/models/__init__.py",)
    for file in before.files:
        new_file = mapping.paths.get(file, file)
        if new_file not in after.files:
            fail(f"{file} is not at {new_file}")
            continue
        old = Flat(before, file, mapping).out
        new = Flat(after, new_file, None).out
        if len(old) != len(new):
            fail(f"{file}: {len(old)} nodes, {len(new)} in {new_file}")
            for a, b in zip(old, new):
                if a[0] != b[0]:
                    print("   ", a, b)
                    break
            continue
        counts["files"] += 1
        for a, b in zip(old, new):
            counts["nodes"] += 1
            if a == b:
                if len(a) > 1 and isinstance(a[1], tuple) and a[1][:1] == ("to",):
                    counts["names that lead to the same definition"] += 1
                continue
            if a[0] == b[0] and len(a) > 1 and len(b) > 1:
                x, y = a[1], b[1]
                if isinstance(x, tuple) and isinstance(y, tuple) and x[:1] == y[:1]:
                    if x[0] == "member" and y[1] in mapping.by_name.get(x[1], ()):
                        counts["members renamed"] += 1
                        continue
                    if x[0] == "member" and y[1] == mapping.data["markers"].get(x[1]):
                        counts["markers renamed"] += 1
                        continue
                    if x[0] == "string":
                        strings.append((file, x[1], y[1]))
                        continue
                if a[0] in ("imports", "__all__") and file in dropped:
                    lost = {i for i in x - y}
                    if not (y - x) and all(str(i).count("allies.models.") == 0 for i in lost):
                        counts["names models re-exports no more"] += len(lost)
                        continue
                if x and isinstance(x, tuple) and x[0] == "local" and isinstance(y, tuple):
                    old_name, new_name = x[1], y[1] if y[0] == "local" else None
                    if new_name in renamer.locals_renamed.get((file, old_name), ()):
                        counts["local names renamed"] += 1
                        continue
            fail(f"{file}: {a} is {b} in {new_file}")
    made = {f"{p}/__init__.py" for p in mapping.packages}
    for file in after.files.keys() - {mapping.paths.get(f, f) for f in before.files} - made:
        fail(f"{file} comes from nowhere")
    return counts, strings


def compare_strings(strings, renamer, out):
    counts = Counter()
    lines = []
    for file, old, new in strings:
        rule = "?"
        plain = renamer.slashed(renamer.dotted(old))
        templates = renamer.template(plain)
        if new == renamer.m.data["strings"]["rename"].get(old):
            rule = "strings.rename"
        elif new == plain:
            rule = "path or dotted name"
        elif new == templates:
            rule = "template"
        elif "import " in old:
            rule = "script in a string"
        elif new in renamer.m.by_name.get(old, ()) or new in {
            n for (_m, o), n in renamer.m.globals.items() if o == old
        }:
            rule = "name given to setattr, getattr or patch"
        elif new == renamer.addresses(f'"{old}"', file)[1:-1]:
            rule = "name of an address"
        elif new == renamer.settings_text(plain):
            rule = "name of a setting, variable or command"
        elif new == renamer.fixture_text(old):
            rule = "name of a fixture"
        if rule == "?":
            fail(f"{file}: the string {old[:80]!r} became {new[:80]!r}")
        counts[rule] += 1
        lines.append(f"[{rule}] {file}\n  - {old!r}\n  + {new!r}")
    out.write_text("\n".join(lines) + "\n")
    return counts


def compare_documents(before, after, mapping, out):
    lines, changed, same = [], 0, 0
    for f in before.tracked:
        if f.endswith(".py"):
            continue
        new = after.root / mapping.paths.get(f, f)
        if not new.exists():
            fail(f"{f} is not at {new}")
            continue
        one, other = (before.root / f).read_bytes(), new.read_bytes()
        if one == other:
            same += 1
            continue
        changed += 1
        a, b = one.decode().splitlines(), other.decode().splitlines()
        if len(a) != len(b) and not f.endswith(".html"):
            fail(f"{f}: lines came or went")
        lines.append(f"--- {f}")
        lines += [x for x in difflib.unified_diff(a, b, lineterm="", n=0) if x[:2] not in ("--", "++")]
    out.write_text("\n".join(lines) + "\n")
    return same, changed


def compare_scopes(after):
    for file, tree in after.trees.items():
        for node in ast.walk(tree):
            if isinstance(node, (ast.Module, ast.ClassDef)):
                names = Counter(
                    n.name
                    for n in node.body
                    if isinstance(n, (ast.FunctionDef, ast.ClassDef))
                    and not any(
                        isinstance(d, ast.Attribute) or getattr(d, "id", "") == "overload"
                        for d in n.decorator_list
                    )
                )
                for name, number in names.items():
                    if number > 1:
                        fail(f"{file}: {name} is defined {number} times")


def migrations(root):
    python = str(root / ".venv/bin/python")
    with tempfile.TemporaryDirectory() as data:
        env = {"PATH": "/usr/bin:/bin", "ALLIES_DATA_DIR": data}

        def manage(*args):
            return subprocess.run(
                [python, "-W", "ignore", "manage.py", *args],
                cwd=root,
                env=env,
                capture_output=True,
                text=True,
            )

        manage("migrate", "-v0")
        check = manage("makemigrations", "--check", "--dry-run")
        if check.returncode:
            fail(f"{root}: makemigrations: {check.stdout}{check.stderr}")
        script = (
            "from django.db import connection\n"
            "from django.db.migrations.loader import MigrationLoader\n"
            "from django.core.management import call_command\n"
            "import io, json\n"
            "out = {}\n"
            "for label, name in MigrationLoader(connection).disk_migrations:\n"
            "    if label == 'allies':\n"
            "        text = io.StringIO()\n"
            "        call_command('sqlmigrate', label, name, stdout=text)\n"
            "        out[name] = text.getvalue()\n"
            "print('JSON', json.dumps(out))\n"
        )
        done = manage("shell", "-v0", "-c", script)
        line = next((x for x in done.stdout.split("\n") if x.startswith("JSON ")), None)
        if line is None:
            fail(f"{root}: sqlmigrate: {done.stderr[-500:]}")
            return {}
        return json.loads(line[5:])


def main():
    before_root, after_root = (Path(a).resolve() for a in sys.argv[1:3])
    members = infer_members(before_root)
    before = Project(before_root)
    mapping = Mapping(before, members)
    renamer = Renamer(before, mapping, members)
    for file in before.files:  # so that it knows which local names it renames
        renamer.file(file)
    reports = Path.cwd() / "proof"
    reports.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        archive = subprocess.run(
            ["git", "-C", str(after_root), "archive", "refs/renames/mechanical"],
            check=True,
            capture_output=True,
        ).stdout
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
        git(tree, "init", "-q")
        git(tree, "add", "-A", "-f")
        after = Project(tree)
        counts, strings = compare_code(before, after, mapping, renamer)
        by_rule = compare_strings(strings, renamer, reports / "strings.txt")
        same, changed = compare_documents(before, after, mapping, reports / "documents.txt")
        compare_scopes(after)
    diff = git(after_root, "diff", "--cached", "--stat", "refs/renames/mechanical").strip()
    print(f"code: {dict(counts)}")
    print(f"strings that differ: {dict(by_rule)} ({reports}/strings.txt)")
    print(f"other files: {same} the same, {changed} with other words ({reports}/documents.txt)")
    old, new = migrations(before_root), migrations(after_root)
    added = sorted(new.keys() - old.keys())
    wrong = [name for name in old if old[name] != new.get(name)]
    for name in wrong:
        fail(f"sqlmigrate {name} differs")
    print(f"sqlmigrate: {len(old) - len(wrong)} of {len(old)} the same; new: {added or 'none'}")
    print("patches, beside the renaming:", diff.split("\n")[-1].strip() if diff else "none")
    print(f"{len(FAILED)} failures" if FAILED else "proved")
    sys.exit(bool(FAILED))


if __name__ == "__main__":
    main()
