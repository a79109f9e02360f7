"""The environment variables that make a ``locust`` command the generator of a run."""

from __future__ import annotations

RUN_VARIABLE = "PROOFLOAD_RUN"
"""The run directory with plan.json, for a process alone and for a master."""

WORKERS_VARIABLE = "PROOFLOAD_WORKERS"
"""How many workers a master starts on its own host."""

WORKER_VARIABLE = "PROOFLOAD_WORKER"
"""Makes a ``locust --worker`` ask its master for the plan: its number among those that the master has started, from 1;
0 for one that somebody else has."""
