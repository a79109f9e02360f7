"""Reports, made from the run directory alone."""
