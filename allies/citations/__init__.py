"""Footnotes of a page, references for citing it, and removal of hidden sources from texts."""
