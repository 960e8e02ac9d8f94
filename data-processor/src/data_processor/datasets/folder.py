"""The files in the folder of an upload, which `serve` and its children share."""

SOURCE_FILE = "source"
"""What was uploaded, until it is stored: it may be read again in another way."""
RAW_FILE = "raw.parquet"
"""The table as it was uploaded, in typed columns."""
