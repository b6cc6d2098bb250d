"""Texts without database access: dates, names, URLs, Markdown. Imports nothing of the project."""
