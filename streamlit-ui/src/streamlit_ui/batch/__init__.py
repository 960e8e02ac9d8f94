"""A batch of rows: read from a CSV file, sent in portions, written back with its answers."""
