"""What binds countries to one another, computed from memberships and events."""
