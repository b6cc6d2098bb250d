"""The API: every public noun and view as JSON, with the filters the pages have.

``collections`` answers with the rows of a listing, a page at a time; ``records`` with one record
and all that is part of it; ``answers`` makes what both say open, cacheable and plain in its
errors; ``site`` puts them together under ``/api/v1/``; ``reference`` describes them for people.
"""
