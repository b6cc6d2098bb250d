"""The readers' side: what is public, as pages, CSV and JSON. It never writes."""
