"""The steps of a file's way through the desk, and the forms on it."""
