"""Signing in at the desk."""

PASSWORD = "a-password-of-some-length"
DESK = "/en/admin/"
