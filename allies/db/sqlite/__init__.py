"""Django's SQLite backend, which notices if its file is removed, replaced or damaged."""
