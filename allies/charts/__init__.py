"""Charts drawn on the server: plain data in, coordinates for a template out."""
