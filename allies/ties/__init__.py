"""Ties between countries, computed from memberships and events; nothing is stored."""
