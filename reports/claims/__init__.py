"""The report of measured claims."""
