"""Exports of records and of the whole site."""
