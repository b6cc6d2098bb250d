"""Cache of rendered pages, valid until the content changes: store, middleware and WSGI cache."""
