"""Atom feeds of views: additions, changes, corrections and withdrawals."""
