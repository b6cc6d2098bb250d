"""What a page cites, and how a page itself is cited."""
