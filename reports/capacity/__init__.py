"""The reports of a capacity search: the answer, the curve of its trials, a table of them."""
