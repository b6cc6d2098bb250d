"""Tests of signing in to the admin."""

PASSWORD = "a-password-of-some-length"
DESK = "/en/admin/"
