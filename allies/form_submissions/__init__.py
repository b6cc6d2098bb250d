"""Forms that are sent: tokens, idempotency, and forms kept after a lost sign-in."""
