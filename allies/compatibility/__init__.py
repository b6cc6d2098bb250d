"""Support for names that the previous release stored and that have changed since."""
