"""Loopkeeper's pages: predict, give feedback, watch the score, steer the models."""
