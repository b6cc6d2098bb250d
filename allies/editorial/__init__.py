"""What the editors have to look at: alerts, and the effects of a deletion."""
