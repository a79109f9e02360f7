"""Validity checks: is the evidence itself sound? One file each, listed in CHECKS."""
