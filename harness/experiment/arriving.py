"""What a person sees while the workers of other machines are waited for."""

from __future__ import annotations

import socket

from harness.experiment.settings import Awaited, Observer
from harness.model.samples import Event


class Arriving:
    """Tells of the master's events before the load."""

    def __init__(self, awaited: Awaited, observer: Observer) -> None:
        self._awaited = awaited
        self._observer = observer

    @property
    def most_seconds(self) -> float:
        """How long the master waits for them."""
        return self._awaited.patience_seconds

    def tell(self, event: Event) -> None:
        """Pass it on, where it is of that kind."""
        detail = event.detail
        match event.name:
            case "workers-awaited":
                for line in self.invitation():
                    self._observer.note(line)
                self._observer.step(f"waiting for {_workers(self._awaited.count)}")
            case "worker-joined":
                self._observer.step(self._who_came(detail["here"]))
            case "worker-left":
                self._observer.note(f"worker {detail['worker']} has left: {detail['reason']}")
                self._observer.step(self._who_came(detail["here"]))
            case "worker-refused":
                self._observer.note(f"refused: {detail['reason']}" + (f" ({hint})" if (hint := detail["hint"]) else ""))

    def invitation(self) -> tuple[str, ...]:
        """How a worker is started, and who can."""
        awaited = self._awaited
        everywhere = awaited.address == "0.0.0.0"  # noqa: S104 - compared, not bound
        host = socket.gethostname() if everywhere else awaited.address
        token = f"PROOFLOAD_WORKER_TOKEN={awaited.token} " if awaited.shown else ""
        where = "every address of this machine" if everywhere else awaited.address
        reach = (
            f"the master listens on {where}, port {awaited.port}: it must be reachable in a trusted network alone"
            if awaited.exposed
            else f"the master listens on this machine alone ({awaited.address}, port {awaited.port}); see --bind"
        )
        return (
            reach,
            f"on each worker's machine: {token}proofload worker --master {host}:{awaited.port}"
            + ("" if awaited.shown else "   (with the token that was set here)"),
        )

    def _who_came(self, here: object) -> str:
        names = ", ".join(map(str, here)) if isinstance(here, list | tuple) else ""
        count = len(here) if isinstance(here, list | tuple) else 0
        return f"{count} of {_workers(self._awaited.count)} came" + (f": {names}" if names else "")


def _workers(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"
