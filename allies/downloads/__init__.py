"""Downloads: how many run at once, and how they are sent."""
