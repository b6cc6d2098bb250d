"""Submitted forms: tokens, idempotency, and saved forms after the session ended."""
