"""Read data packages; refuse those that are not ours or were changed."""

import datetime as dt
import json
import re
import zlib
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, Self
from zipfile import BadZipFile, ZipInfo

from django.utils.translation import gettext as _

from allies.datapackage.describe import package_version
from allies.datapackage.write import DESCRIPTOR_NAME
from allies.file_formats import Archive, DecompressedTooLarge

#: Maximum bytes of the description, and bytes decompressed at a time.
MAX_DESCRIPTOR, PIECE = 4 * 1024 * 1024, 1024 * 1024

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")
_ENCRYPTED = 0x1


class InvalidDataPackage(ValueError):
    """A file that is not one of our data packages, or was changed; the text says which part."""


class Member(NamedTuple):
    """A table in the package: its name, path, column names and SHA-256."""

    name: str
    path: str
    columns: list[str]
    sha256: str


class PackageFile:
    """A data package in a file; ``most`` is the maximum of its decompressed bytes.

    ``members`` are its tables; ``changed`` is the time of the last change, or None. Raises
    InvalidDataPackage while it is opened and while it is unpacked.
    """

    def __init__(self, path: Path, *, most: int) -> None:
        try:
            self._zip = Archive(path, most=most)
        except DecompressedTooLarge as error:
            raise InvalidDataPackage(str(error)) from error
        except (BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise InvalidDataPackage(_("Not a ZIP archive: %(file)s.") % {"file": path}) from error
        try:
            self._infos = self._checked()
            described = self._described()
            self.members = [self._member(resource) for resource in described["resources"]]
            self.changed = self._verify_unchanged(described)
        except (KeyError, TypeError, AttributeError) as error:
            self._zip.close()
            raise _damaged_error(DESCRIPTOR_NAME) from error
        except InvalidDataPackage:
            self._zip.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self._zip.close()

    def unpack(self, member: Member, folder: Path) -> Path:
        """Write a table into the folder under a safe name; return its path."""
        path, digest = folder / f"{member.name}.csv", sha256()
        left = self._infos[member.path].file_size
        try:
            with self._zip.open(member.path) as packed, path.open("wb") as file:
                while piece := packed.read(PIECE):
                    left -= len(piece)
                    if left < 0:
                        raise _damaged_error(member.path)
                    digest.update(piece)
                    file.write(piece)
        except DecompressedTooLarge as error:
            raise InvalidDataPackage(str(error)) from error
        except (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise _damaged_error(member.path) from error
        if digest.hexdigest() != member.sha256:
            raise _damaged_error(member.path)
        return path

    def _checked(self) -> dict[str, ZipInfo]:
        """Return the archive's files by name; refuse unsafe paths, repeated names, encryption."""
        infos: dict[str, ZipInfo] = {}
        for info in self._zip.infolist():
            name = info.filename
            odd = name.startswith("/") or "\\" in name or ".." in name.split("/")
            if odd or name in infos or info.flag_bits & _ENCRYPTED:
                raise _damaged_error(name)
            infos[name] = info
        return infos

    def _described(self) -> dict[str, Any]:
        info = self._infos.get(DESCRIPTOR_NAME)
        if info is None:
            raise InvalidDataPackage(
                _("Not a data package: it contains no %(file)s.") % {"file": DESCRIPTOR_NAME}
            )
        try:
            described = json.loads(self._zip.read(info.filename, MAX_DESCRIPTOR))
        except DecompressedTooLarge as error:
            raise InvalidDataPackage(str(error)) from error
        # RuntimeError: an encrypted member, or JSON that is nested too deeply.
        except (BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
            raise _damaged_error(DESCRIPTOR_NAME) from error
        if not isinstance(described, dict):
            raise _damaged_error(DESCRIPTOR_NAME)
        return described

    def _member(self, resource: dict[str, Any]) -> Member:
        name, path, digest = resource["name"], resource["path"], resource["hash"]
        if not _NAME.fullmatch(name) or path != f"data/{name}.csv":
            raise _damaged_error(DESCRIPTOR_NAME)
        if path not in self._infos:
            raise InvalidDataPackage(_("%(file)s is missing from the package.") % {"file": path})
        if resource["bytes"] != self._infos[path].file_size:
            raise _damaged_error(path)
        columns = [str(field["name"]) for field in resource["schema"]["fields"]]
        return Member(name, path, columns, digest.removeprefix("sha256:"))

    def _verify_unchanged(self, described: dict[str, Any]) -> dt.datetime | None:
        """Check that the version matches the content; return the time of the last change."""
        try:
            text = described.get("created")
            changed = dt.datetime.fromisoformat(text) if text else None
        except ValueError as error:
            raise _damaged_error(DESCRIPTOR_NAME) from error
        if changed and changed.tzinfo is None:
            raise _damaged_error(DESCRIPTOR_NAME)
        names = [member.name for member in self.members]
        hashes = ((member.path, member.sha256) for member in self.members)
        if len(set(names)) < len(names) or described["version"] != package_version(changed, hashes):
            raise _damaged_error(DESCRIPTOR_NAME)
        return changed


def _damaged_error(name: str) -> InvalidDataPackage:
    return InvalidDataPackage(
        _("%(file)s does not match its checksum: the package was changed or is damaged.")
        % {"file": name}
    )
