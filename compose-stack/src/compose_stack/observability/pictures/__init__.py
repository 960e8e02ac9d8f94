"""Pictures of dashboards, for the docs."""
