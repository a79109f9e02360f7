"""The environment variables that make a ``locust`` command the generator of a run."""

from __future__ import annotations

RUN_VARIABLE = "PROOFLOAD_RUN"
"""The run directory with plan.json, for a process alone and for a master."""

WORKERS_VARIABLE = "PROOFLOAD_WORKERS"
"""How many workers a master has; it starts them on its own host, if it is not told to expect them."""

PATIENCE_VARIABLE = "PROOFLOAD_WORKER_PATIENCE"
"""Makes a master expect its workers from other hosts, and wait that many seconds for them."""

ALLOWED_VARIABLE = "PROOFLOAD_ALLOWED"
"""The hosts other than loopback that may be loaded, with spaces between them: of a master, those that the person has
named there; of a worker, the only ones that it may, if there are any."""

TOKEN_VARIABLE = "PROOFLOAD_WORKER_TOKEN"  # noqa: S105 - the name, not the secret
"""What a master and its workers both know."""

WORKER_VARIABLE = "PROOFLOAD_WORKER"
"""Makes a ``locust --worker`` ask its master for the plan: its number among those that the master has started, from 1;
0 for one that somebody else has."""

HOME_VARIABLE = "PROOFLOAD_WORKER_HOME"
"""Of a worker that somebody else has started: a folder of its own, for what the master sends and what it tells."""

FLOWS_VARIABLE = "PROOFLOAD_WORKER_FLOWS"
"""Of such a worker: a locustfile of one's own. Otherwise it is Proofload's of the name that the master says."""

TARGET_VARIABLE = "PROOFLOAD_WORKER_HOST"
"""Of such a worker: the address of the system as its host knows it, where that is not the master's."""
