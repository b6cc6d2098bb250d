"""The pages and forms of a changeset in the admin."""
