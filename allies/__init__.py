"""Ally lists with sources: models, editors' admin, readers' pages, imports and exports."""

#: The version, by semantic versioning. pyproject.toml, the footers and `/healthz` read it here.
__version__ = "1.0.0"
