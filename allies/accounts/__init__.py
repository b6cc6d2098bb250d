"""Signing in to the admin: two-factor authentication, open sessions, log of permission changes."""
