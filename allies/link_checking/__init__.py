"""Check the links of sources: a safe HTTP client, a queue per host, and results over time."""
