"""Versions of records: snapshots, history steps, and what the public saw when."""
