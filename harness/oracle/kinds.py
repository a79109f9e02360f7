"""All kinds of servers: a new one is a dataclass of parameters, a function that serves, and a line in KINDS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.oracle import behaviours, chat, jobs, sharing
from harness.oracle.answering import answer_by_fate, answer_by_sharing


@dataclass(frozen=True, slots=True)
class Kind:
    """serve(app, parameters, random, site) adds its routes to a web application."""

    name: str
    summary: str
    parameters: type
    serve: Callable[[Any, Any, Any, Any], None]


KINDS: tuple[Kind, ...] = (
    Kind("mmc", "M/M/c queue: exponential service times, c servers, one line", behaviours.Mmc, answer_by_fate),
    Kind("mdc", "M/D/c queue: constant service time, c servers, one line", behaviours.Mdc, answer_by_fate),
    Kind("bounded", "M/M/c queue with a line of bounded length: 503 beyond it", behaviours.Bounded, answer_by_fate),
    Kind("usl", "throughput by the Universal Scalability Law of the requests held", sharing.Usl, answer_by_sharing),
    Kind("stall", "freezes for s seconds every t, then releases all answers at once", behaviours.Stall, answer_by_fate),
    Kind("tail", "a known share of the answers takes a known long time", behaviours.Tail, answer_by_fate),
    Kind("errors", "answers 500 with a known probability, independently", behaviours.Errors, answer_by_fate),
    Kind("bursts", "answers 500 in bursts of known length and share", behaviours.Bursts, answer_by_fate),
    Kind("leak", "keeps n bytes of memory for each request, up to a limit", behaviours.Leak, answer_by_fate),
    Kind("jobs", "a job queue of c workers with a known service time", jobs.Jobs, jobs.serve),
    Kind("chat", "Socket.IO rooms that lose, duplicate and reorder known shares", chat.Chat, chat.serve),
)
"""Every kind, in the order in which they are listed."""


def kind_named(name: str) -> Kind:
    """The kind of that name; raises KeyError."""
    for kind in KINDS:
        if kind.name == name:
            return kind
    raise KeyError(name)
