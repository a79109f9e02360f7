"""A system and the stages of its capacity plan, every figure with where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.model.figure import Citation, Figure, Statement
from harness.model.rule import Rule
from harness.model.slo import Slo


class FlowKind(StrEnum):
    """What carries a flow's steps."""

    HTTP = "http"
    SOCKETIO = "socketio"
    UPLOAD = "upload"


@dataclass(frozen=True, slots=True)
class Flow:
    """What one kind of user does.

    user_class: the Locust user class in the system's locustfile.
    share: of the HTTP sessions, ratio; 0 for flows whose rate is set another way (sockets held, uploads).
    http_steps: HTTP requests of one session, exact for HTTP flows, the expected mean for uploads (polls included).
    """

    name: str
    kind: FlowKind
    user_class: str
    share: float
    http_steps: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """One row of a capacity plan. Figures are looked up by name with ``figure()``."""

    name: str
    title: str
    audience: tuple[Figure, ...]
    server: tuple[Figure, ...]
    sizing: tuple[Figure, ...]
    load: tuple[Figure, ...]
    costs: tuple[Figure, ...]
    bottleneck: Statement
    migration: tuple[Statement, ...]
    recommendations: tuple[Statement, ...]
    slos: tuple[Slo, ...]
    citation: Citation
    rules: tuple[Rule, ...] = ()

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Every figure of the stage."""
        return self.audience + self.server + self.sizing + self.load + self.costs

    def figure(self, name: str) -> Figure:
        """The figure of that name; raises KeyError."""
        for figure in self.figures:
            if figure.name == name:
                return figure
        raise KeyError(name)

    def value(self, name: str, default: float | None = None) -> float:
        """The figure's value (lower end of a range) in base units; raises KeyError without a default."""
        try:
            return self.figure(name).value
        except KeyError:
            if default is None:
                raise
            return default


@dataclass(frozen=True, slots=True)
class CapacityTarget:
    """One system: its plan's stages, flows and statements.

    facts: numbers and words of the document that belong to no single stage (known problems, migration hints).
    """

    name: str
    title: str
    document: str
    locustfile: str
    flows: tuple[Flow, ...]
    stages: tuple[Stage, ...]
    facts: tuple[Statement, ...]

    def stage(self, name: str) -> Stage:
        """The stage of that name; raises KeyError."""
        for stage in self.stages:
            if stage.name.lower() == name.lower():
                return stage
        raise KeyError(name)
