"""Full-text search over countries, alliances, events, sources and lists.

``index`` stores the normalised texts of all records, and ``query`` parses search queries.
``backend`` searches with the database's own full-text index and orders the results. ``highlight``
marks the matches in a text. The package depends on ``models``, and on ``page_cache.memo`` to cache
the vocabulary until somebody writes.
"""
