"""Versions of records: snapshots, history steps, and what the public could see at a given time."""
