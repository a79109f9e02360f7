"""The file that ``proofload init`` begins a system with."""
