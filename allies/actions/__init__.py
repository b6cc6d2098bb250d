"""Writes that touch several records or need a right: keyword-only, in one transaction."""
