"""What operators see of a site at work: its health, its log, its figures."""
