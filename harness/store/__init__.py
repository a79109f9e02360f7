"""The run directory: layout, append, read."""
