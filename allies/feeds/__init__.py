"""Feeds: what entered a view, what changed in it, what was corrected and withdrawn, as Atom."""
