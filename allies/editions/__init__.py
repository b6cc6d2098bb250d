"""Contents of editions, and the differences between two of them."""
