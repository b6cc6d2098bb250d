"""The JSON API: all public records and views, with the filters of their pages.

- ``collections``: rows of a listing, page by page
- ``records``: single records with their parts, described by ``schemas``
- ``changes``: records added, changed or withdrawn since a cursor
- ``responses``: CORS headers, languages and errors of all operations
- ``api``: the URLs under ``/api/v1/``
- ``docs_page``: the documentation for readers
"""
