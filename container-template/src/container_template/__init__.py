"""The check that stamped folders still match the template."""
