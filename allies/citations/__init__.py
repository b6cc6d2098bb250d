"""Footnotes of a page, and references to a page."""
