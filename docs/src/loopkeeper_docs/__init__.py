"""Turns Loopkeeper's contracts into pages, and its tutorials into a script."""
