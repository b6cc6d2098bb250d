"""The AdminSite: who may enter, and which lookups its lists accept."""
