"""Loopkeeper's pages: predict, judge, watch the score, steer the models."""
