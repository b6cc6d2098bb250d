"""Pages kept while what they show is unchanged: their version, their store, their answers."""
