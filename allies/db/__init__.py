"""Database servers: router, snapshots, content version, backup, and the SQLite backend."""
