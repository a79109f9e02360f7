"""What a master and its workers tell each other, by Locust's own messages.

::

    worker                            master
    hello      version, challenge →
                                  ←   challenge  its own, its proof of the token, the locustfile's name
    join       proof, identity    →
                                  ←   plan       the whole plan, which part is the worker's, the system to load
    leave      reason             →              instead, when this host may not load that system
    ready      users              →              once its users are there and its preparation is done
                                  ←   ping       several times, at the start and at the end: where clocks differ
    pong       received, answered →
                                  ←   start      t = 0 by the master's clock and how far ours is off, when all are ready
    report     lines, number      →              each second; the last one with the worker's last word
                                  ←   taken      the report's number, once its lines are written
                                  ←   stop       go, or end the load now

Behind the plan comes Locust's own word to spawn users. The worker hears nothing until its flows are loaded, since both
words may arrive at once.

A worker needs nothing of the master's host but its address and the token: no file is shared. The file to upload and the
numbers of accounts come with the plan; what else a locustfile of one's own reads from its environment must be there on
the worker's host too.
"""

from __future__ import annotations

from typing import Any

from locust.env import Environment
from locust.rpc import Message
from locust.runners import MasterRunner, WorkerRunner

HELLO = "proofload-hello"
CHALLENGE = "proofload-challenge"
JOIN = "proofload-join"
PLAN = "proofload-plan"
LEAVE = "proofload-leave"
READY = "proofload-ready"
PING = "proofload-ping"
PONG = "proofload-pong"
START = "proofload-start"
REPORT = "proofload-report"
TAKEN = "proofload-taken"
STOP = "proofload-stop"

COMPLETED = "completed"
"""The reason for the end of a load that was carried to its end."""


def listen(runner: MasterRunner | WorkerRunner, name: str, heard: Any) -> None:
    """Call ``heard`` with the sender's id and the data of each such message; whoever sent it, the data is a mapping."""

    def listener(*, environment: Environment, msg: Message) -> None:
        heard(msg.node_id, msg.data if isinstance(msg.data, dict) else {})

    runner.register_message(name, listener)
