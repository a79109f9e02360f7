"""One plan → one run: stack up, sample, generate, drain, reconcile, stack down. Prints nothing: an Observer does."""
