"""One process of a worker's machine: the ``locust`` command as a child that joins a master."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import GeneratorError
from harness.experiment.child import PROJECT, LocustChild
from harness.model.samples import Event
from harness.store.jsonl import Tail

_LOCUSTFILE = PROJECT / "harness" / "loadgen" / "distributed" / "joining" / "locustfile.py"
_LINES = 4
"""Of its output, in an error."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a worker is asked to do. locustfile: flows of the person's own. target: the system's address as this machine
    knows it. allowed: the only hosts that it may load, if there are any."""

    host: str
    port: int
    token: str = field(repr=False)
    locustfile: Path | None = None
    target: str = ""
    allowed: tuple[str, ...] = ()

    def environment(self, home: Path) -> dict[str, str]:
        """Of the process: the token is in no argument, which every user of the machine could read."""
        return {
            "PROOFLOAD_WORKER": "0",
            "PROOFLOAD_WORKER_HOME": str(home),
            "PROOFLOAD_WORKER_TOKEN": self.token,
            "PROOFLOAD_WORKER_FLOWS": "" if self.locustfile is None else str(self.locustfile),
            "PROOFLOAD_WORKER_HOST": self.target,
            "PROOFLOAD_ALLOWED": " ".join(self.allowed),
        }


class Participant(LocustChild):
    """The process, and what it tells. home: a folder of its own."""

    def __init__(self, part: Part, home: Path, environment: Mapping[str, str] = os.environ) -> None:
        kept = {name: value for name, value in environment.items() if name != "PROOFLOAD_RUN"}
        joining = ("--worker", "--master-host", part.host, "--master-port", str(part.port), "--loglevel", "WARNING")
        super().__init__(_LOCUSTFILE, joining, {**kept, **part.environment(home)}, home / "worker.log")
        self._part = part
        self._status = Tail(home / "status.jsonl", Event)
        self._last: Event | None = None

    def news(self) -> tuple[Event, ...]:
        """What it has told since the last call."""
        events = self._status.read()
        if events:
            self._last = events[-1]
        return events

    @property
    def is_counted_on(self) -> bool:
        """Whether, by what ``news`` told last, a load needs it."""
        return self._last is not None and self._last.name in ("joined", "begun")

    def problem(self) -> GeneratorError | None:
        """Once it has ended, and ``news`` were read: why its part of the load was not carried, or None when it was, or
        when the master wanted no more of it."""
        last, master = self._last, f"{self._part.host}:{self._part.port}"
        if last is None:
            return GeneratorError(
                f"no master was found at {master}",
                self.last_words(_LINES),
                "is it running, and does its port answer from here?",
            )
        if last.name == "refused":
            detail = last.detail
            return GeneratorError(str(detail["message"]), [*detail["where"], f"the master at {master}"], detail["hint"])
        reason = str(last.detail.get("reason", ""))
        if last.name == "ended" and (reason == "completed" or reason.startswith("interrupted")):
            return None
        return GeneratorError(
            f"this worker's part of the load was not carried to its end: {reason or 'it died'}",
            self.last_words(_LINES),
        )
