"""Signing in at the desk: the second step, open sessions, and the record of rights given."""
