"""A dataset version explored: its profile as the gateway gives it, and the charts of it."""
