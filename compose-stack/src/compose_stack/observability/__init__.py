"""Telemetry as code: dashboards, and what checks them, the rules and the jobs of the collector."""
