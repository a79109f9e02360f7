"""What a master and its workers tell each other, by Locust's own messages.

::

    worker                          master
    hello     version, host     →
                                ←   plan      the whole plan, which part is the worker's, the host to load
    ready     users             →             once its users are there and its preparation is done
                                ←   start     t = 0, when all are ready
    report    lines, number     →             each second; the last one with the worker's last word
                                ←   taken     the report's number, once its lines are written
                                ←   stop      end the load now

A worker needs nothing of the master's host but its address: no file is shared. What a locustfile reads from its
environment (how many accounts there are, where the clip lies) must be there on the worker's host too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from locust.env import Environment
from locust.rpc import Message
from locust.runners import MasterRunner, WorkerRunner

HELLO = "proofload-hello"
PLAN = "proofload-plan"
READY = "proofload-ready"
START = "proofload-start"
REPORT = "proofload-report"
TAKEN = "proofload-taken"
STOP = "proofload-stop"

COMPLETED = "completed"
"""The reason for the end of a load that was carried to its end."""


def listen(runner: MasterRunner | WorkerRunner, name: str, heard: Any) -> None:
    """Call ``heard`` with the sender's id and the data of each such message."""

    def listener(*, environment: Environment, msg: Message) -> None:
        heard(msg.node_id, msg.data)

    runner.register_message(name, listener)


def this_host() -> str:
    """Tells hosts apart by their clocks: processes with the same answer read the same CLOCK_MONOTONIC."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
