"""Ally lists with sources: models, the admin, pages for readers, imports and exports."""

#: Semantic version. pyproject.toml, the page footers and `/healthz` read it from here.
__version__ = "1.0.0"
