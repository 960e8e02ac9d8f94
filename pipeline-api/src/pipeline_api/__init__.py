"""Loopkeeper's pipeline-api."""
