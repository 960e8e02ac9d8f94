"""Loopkeeper's engine room: datasets, training, serving, feedback and promotion."""
