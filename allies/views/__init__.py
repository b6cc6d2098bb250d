"""Public views: pages, CSV, JSON and feeds. They write nothing except corrections."""
