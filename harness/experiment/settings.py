"""What one run is asked to do, and who watches it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from harness.experiment.abort import RULES, AbortRule
from harness.experiment.live import LiveStatus
from harness.model.plan import LoadPlan
from harness.model.run import Manifest
from harness.model.target import CapacityTarget, Stage
from harness.store.layout import RunDirectory


@dataclass(frozen=True, slots=True)
class Awaited:
    """Workers of other machines that a load waits for. address, port: where the master listens.

    token: what they must know; shown: whether it was made up for this run, so that it must be said. allowed: the hosts
    that the person has named with --allow.
    """

    count: int
    address: str
    port: int
    patience_seconds: float
    token: str = field(repr=False)
    shown: bool
    allowed: tuple[str, ...] = ()

    @property
    def exposed(self) -> bool:
        """Whether more than this machine can reach the port."""
        return not self.address.startswith("127.")


@dataclass(frozen=True, slots=True)
class Settings:
    """One run. base_url: of the system under load, for an external stack; None means one of ours. containers: ours as
    containers (compose); else as local processes (native).

    locustfile: the flows. plan_digest: SHA-256 of the system's TOML file. command: what was typed, to run it again.
    workers: processes of the load generator; the load does not depend on how many. awaited: those of other machines.
    abort_rules: when its load is ended early. scale: what ``stage`` and ``plan`` are of the planned ones. deviations:
    from the plan, that were asked for.
    """

    target: CapacityTarget
    stage: Stage
    plan: LoadPlan
    runs: Path
    locustfile: Path
    plan_digest: str
    command: str
    kind: str = "verify"
    base_url: str | None = None
    workers: int = 1
    abort_rules: tuple[AbortRule, ...] = RULES
    scale: float = 1.0
    deviations: tuple[str, ...] = ()
    containers: bool = False
    awaited: Awaited | None = None

    @property
    def stack(self) -> str:
        """``native``, ``compose`` or ``external``."""
        return "external" if self.base_url is not None else "compose" if self.containers else "native"


class Interrupted(Exception):
    """Somebody asked for the end before the load had begun; its text is who."""


@dataclass(slots=True)
class StopRequest:
    """Set from outside (Ctrl-C, SIGTERM) to end the load early; the evidence so far is kept and judged."""

    _asked: threading.Event = field(default_factory=threading.Event)
    reason: str = ""

    def ask(self, reason: str) -> None:
        """Ask for the end; the first reason stays."""
        if not self._asked.is_set():
            self.reason = reason
            self._asked.set()

    @property
    def asked(self) -> bool:
        """Whether somebody has asked."""
        return self._asked.is_set()

    def check(self) -> None:
        """Raise Interrupted when somebody has asked: for whoever waits elsewhere, between two looks."""
        if self.asked:
            raise Interrupted(self.reason)

    def wait(self, seconds: float) -> bool:
        """Wait that long, or until somebody asks."""
        return self._asked.wait(seconds)


class Observer(Protocol):
    """Shows a run to a person. Every method returns at once."""

    def step(self, text: str) -> None:
        """A step of the set-up or of the clean-up begins."""

    def stack_ready(self, run: RunDirectory, manifest: Manifest) -> None:
        """The servers are up, sized and read back."""

    def live(self, status: LiveStatus) -> None:
        """Once a second while the load runs."""

    def note(self, text: str) -> None:
        """Something worth saying happened: an abort rule fired, a process died."""
