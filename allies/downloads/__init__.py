"""Downloads in work: how many there are at once, and how they are sent."""
