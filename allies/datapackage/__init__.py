"""Data packages: tables as CSV in a ZIP archive, with their documentation.

The format is Frictionless Data Package, version 1. This package's reader and writer do not depend
on the models; ``metadata`` does.
"""

from allies.datapackage.describe import DataSource, Field, ForeignKey, PackageDescription, Table
from allies.datapackage.read import InvalidDataPackage, PackageFile
from allies.datapackage.write import package_blocks

__all__ = [
    "DataSource",
    "Field",
    "ForeignKey",
    "InvalidDataPackage",
    "PackageDescription",
    "PackageFile",
    "Table",
    "package_blocks",
]
