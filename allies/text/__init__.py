"""Texts without records: dates, names, URLs, Markdown. Imports nothing of the project."""
