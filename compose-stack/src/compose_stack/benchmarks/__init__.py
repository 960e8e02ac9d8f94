"""`make bench`: every figure that has a target, measured in one run."""
