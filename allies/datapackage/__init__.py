"""Data packages: tables as CSV in a ZIP archive, with all one needs to understand them.

The form is Frictionless Data Package, version 1. Nothing here knows what a record is.
"""

from allies.datapackage.describe import Field, ForeignKey, PackageDescription, Table
from allies.datapackage.read import InvalidDataPackage, PackageFile
from allies.datapackage.write import package_blocks

__all__ = [
    "Field",
    "ForeignKey",
    "InvalidDataPackage",
    "PackageDescription",
    "PackageFile",
    "Table",
    "package_blocks",
]
