"""What the newsroom has to look at: alerts, and the effects of a deletion."""
