"""Proofload: proof-load one stage of a capacity plan and judge it. The layout is explained in docs/architecture.md."""

__version__ = "0.1.0"
