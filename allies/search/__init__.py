"""Search over countries, alliances, events, sources and lists: index, question, excerpts.

``index`` keeps the folded texts of all records, ``words`` reads what somebody typed, ``find``
asks the database's own full-text index and puts what it found in order, ``excerpt`` shows where
the words stand. It knows ``models``, and remembers what words there are
while nobody writes (``caching``).
"""
