"""Writes to several records, or that need a permission: keyword-only, in one transaction."""
