"""The map of names, as ``modules.toml`` and ``renames.toml`` say it, for one project."""

import tomllib
from pathlib import Path

from project import module_name

HERE = Path(__file__).parent


class Mapping:
    def __init__(self, project, members):
        self.p = project
        data = {}
        for name in ("modules.toml", "renames.toml", "decisions.toml"):
            if (HERE / name).exists():
                for key, value in tomllib.loads((HERE / name).read_text()).items():
                    if isinstance(value, dict):
                        data.setdefault(key, {}).update(value)
                    else:
                        data[key] = value
        self.data = data
        self.packages = data.get("packages", {})
        self.paths = {}
        self.stale = []
        self._moves(data.get("files", {}))
        self.modules = {
            module_name(old): module_name(new)
            for old, new in self.paths.items()
            if old.endswith(".py")
        }
        # Packages themselves, also where they have no file of their own left.
        self.globals = {}
        code = [
            (module, name, new)
            for module, names in data.get("code", {}).items()
            for name, new in names.items()
            if name != new
        ]
        for module, name, new in code:
            if "." not in name:
                if name not in project.defs.get(module, ()):
                    self.stale.append(f"{module}: {name}")
                else:
                    self.globals[module, name] = new
        self.bases = members["bases"]
        self.has = {c: {*names} for c, names in members["has"].items()}
        self.members = {}
        for module, full, new in code:
            if "." in full:
                owner, _dot, name = f"{module}.{full}".rpartition(".")
                if name not in self.has.get(owner, ()):
                    self.stale.append(f"{module}: {full}")
                else:
                    self.members[owner, name] = new
        self.by_name = {}
        for (_owner, name), new in self.members.items():
            self.by_name.setdefault(name, set()).add(new)
        self.settings = data.get("settings", {})
        for old, new in self.settings.items():
            if old in project.defs.get("config.settings", ()):
                self.globals["config.settings", old] = new
                self.by_name.setdefault(old, set()).add(new)
            else:
                self.stale.append(f"settings: {old}")
        self.unresolved = {*data.get("unresolved", {}).get("rename", [])}
        self.unresolved_at = data.get("unresolved_at", {})
        self.keep_strings = {*data.get("strings", {}).get("keep", [])}

    def _moves(self, moves):
        exact = {k: v for k, v in moves.items() if (self.p.root / k).is_file()}
        folders = {k: v for k, v in moves.items() if (self.p.root / k).is_dir()}
        self.stale += [f"files: {k}" for k in moves if k not in exact and k not in folders]
        self.folders = folders
        for f in self.p.tracked:
            if f in exact:
                self.paths[f] = exact[f]
                continue
            for folder in sorted(folders, key=len, reverse=True):
                if f.startswith(folder + "/"):
                    self.paths[f] = folders[folder] + f[len(folder) :]
                    break

    def module(self, name):
        """Return the new name of a module or package."""
        if name in self.modules:
            return self.modules[name]
        folder = name.replace(".", "/")
        for old in sorted(self.folders, key=len, reverse=True):
            if folder == old or folder.startswith(old + "/"):
                return (self.folders[old] + folder[len(old) :]).replace("/", ".")
        return name

    def name(self, module, name):
        return self.globals.get((module, name), name)

    def member(self, owner, name):
        """Return what a member of a class is called, None where the map says nothing of it."""
        bases = [*self.bases.get(owner, [owner])]
        module, _dot, kind = owner.rpartition(".")
        if kind.startswith("ManagerFrom"):  # what django-stubs makes of a queryset
            queryset = f"{module}.{kind.removeprefix('ManagerFrom')}"
            bases += self.bases.get(queryset, [queryset])
        for base in bases:
            if (base, name) in self.members:
                return self.members[base, name]
        return None

    def target(self, target):
        """Return a target of the old tree as it is in the new one."""
        if target is None:
            return None
        if target[0] == "m":
            return ("m", self.module(target[1]))
        if target[0] == "g":
            return ("g", self.module(target[1]), self.name(target[1], target[2]))
        return target
