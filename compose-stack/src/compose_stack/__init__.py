"""Loopkeeper's compose-stack."""
