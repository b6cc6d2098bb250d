"""Data packages: tables as CSV in a ZIP archive, with all one needs to understand them.

The form is Frictionless Data Package, version 1. Nothing here knows what a record is.
"""

from allies.package.describe import About, Field, ForeignKey, Table
from allies.package.read import NotAPackage, PackageFile
from allies.package.write import package_blocks

__all__ = [
    "About",
    "Field",
    "ForeignKey",
    "NotAPackage",
    "PackageFile",
    "Table",
    "package_blocks",
]
