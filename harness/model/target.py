"""A system and the stages of its capacity plan, every figure with where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from harness.model.audit import Audit
from harness.model.figure import Citation, Figure, Provenance, Statement
from harness.model.prediction import PlannedPrediction
from harness.model.rule import Rule
from harness.model.slo import Slo


class FlowKind(StrEnum):
    """What carries a flow's steps."""

    HTTP = "http"
    SOCKETIO = "socketio"
    UPLOAD = "upload"


class UploadFile(StrEnum):
    """What an upload flow sends: a real file, made by ffmpeg."""

    VIDEO = "video"
    """20 s of film, some 3.5 MB."""
    IMAGE = "image"
    """A picture of exactly ``upload_size``."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What one kind of user does.

    user_class: the Locust user class in the system's locustfile.
    share: of the HTTP sessions, ratio; 0 for flows whose rate is set another way (sockets held, uploads).
    file: what an upload flow sends.
    http_steps: HTTP requests of one session, exact for HTTP flows, the expected mean for uploads (polls included).
    """

    name: str
    kind: FlowKind
    user_class: str
    share: float
    http_steps: float
    note: str = ""
    file: UploadFile = UploadFile.VIDEO


class Check(StrEnum):
    """How a row of a plan is checked, the strongest first."""

    MEASURED = "measured"
    """A run applies it, reads it back or bounds what it measures by it."""
    COMPUTED = "computed"
    """The audit calculates with it."""
    MODELLED = "modelled"
    """A model stands in for what the plan speaks of."""
    STATED_ONLY = "stated only"
    """Shown, and nothing more."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How one row of a system's data is checked.

    path: where it stands, as an audit names it. text: its value, or its words. provenance: None for words.
    why: not empty for what is modelled or stated only.
    """

    path: str
    text: str
    provenance: Provenance | None
    citation: Citation
    check: Check
    why: str = ""


@dataclass(frozen=True, slots=True)
class FigureGroup:
    """A table of figures that is no part of the harness's own vocabulary: storage, prices, targets. Any names."""

    name: str
    title: str
    figures: tuple[Figure, ...]

    def figure(self, name: str) -> Figure:
        """The figure of that name; raises KeyError."""
        return _named(self.figures, name)


class Switch(StrEnum):
    """What the reference application can do with and without."""

    INDEXES = "indexes"
    CACHE = "cache"
    N_PLUS_ONE = "n_plus_one"
    COMPRESSION = "compression"
    HEAVY_QUEUE = "heavy_queue"
    PGBOUNCER = "pgbouncer"


@dataclass(frozen=True, slots=True)
class Claim:
    """An improvement that the plan speaks of.

    measure: what becomes better, such as "response time". before, after: its values. factor: how many times better.
    reduction, increase: by which share of the value before. switch: what measures it in the reference application;
    None when nothing does. shows: the measure (``harness.model.prediction.MEASURES``) that is to get better, "" for the
    switch's own. endpoint: where, such as "GET /api/meetings"; "" anywhere. Only response times and queries can be told
    apart by it.
    """

    id: str
    text: str
    measure: str
    citation: Citation
    before: Figure | None = None
    after: Figure | None = None
    factor: Figure | None = None
    reduction: Figure | None = None
    increase: Figure | None = None
    switch: Switch | None = None
    endpoint: str = ""
    shows: str = ""

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Its numbers."""
        parts = (self.before, self.after, self.factor, self.reduction, self.increase)
        return tuple(figure for figure in parts if figure is not None)


@dataclass(frozen=True, slots=True)
class PlannedRule:
    """When the plan acts, in its own words: what is above or below a bound for a while, what is to be held within a
    band, which uptime is promised.

    sli: what the harness measures it by, "" when nothing does. purpose: "scale-up", "scale-down", "alert", "band" or
    "uptime". severity: "warning" or "critical". numbers: by name: above, below, for, lead_time, target, over_below,
    under_above, uptime, quantile. only_with: an SLI that must be above 0 too. stages: empty for all.
    """

    id: str
    title: str
    sli: str
    purpose: str
    severity: str
    numbers: tuple[Figure, ...]
    levels: tuple[str, ...]
    action: str
    only_with: str
    stages: tuple[str, ...]
    citation: Citation

    def number(self, name: str) -> Figure:
        """The number of that name; raises KeyError."""
        return _named(self.numbers, name)


@dataclass(frozen=True, slots=True)
class Stage:
    """One row of a capacity plan. Figures are looked up by name with ``figure()``.

    application: what the application is told, each as the environment variable of its name. groups: tables of the plan
    that the harness itself does not read. deviations: what the reference stack does otherwise than the plan says, and
    why. rules: those of the planned rules that a run of it judges.
    """

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
    application: tuple[Figure, ...] = ()
    groups: tuple[FigureGroup, ...] = ()
    deviations: tuple[Statement, ...] = ()
    rules: tuple[Rule, ...] = ()

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Every figure of the tables that the harness reads."""
        return self.audience + self.server + self.sizing + self.load + self.costs + self.application

    def figure(self, name: str) -> Figure:
        """The figure of that name; raises KeyError."""
        return _named(self.figures, name)

    def group(self, name: str) -> FigureGroup:
        """The table of that name; raises KeyError."""
        return next((group for group in self.groups if group.name == name), None) or _no(name)

    def value(self, name: str, default: float | None = None) -> float:
        """The figure's value (lower end of a range) in base units; raises KeyError without a default."""
        try:
            return self.figure(name).value
        except KeyError:
            if default is None:
                raise
            return default


@dataclass(frozen=True, slots=True)
class Page:
    """The page whose first contentful paint, and load, a browser measures.

    path: with ``{user.id}`` where the answer to the sign-in says so. sign_in: the path that the account is sent to, as
    JSON; "" when nobody need be known. account: names and values; ``$NAME`` is an environment variable's.
    """

    path: str
    sign_in: str = ""
    account: tuple[tuple[str, str], ...] = ()
    every_seconds: float = 2.0


class MetricKind(StrEnum):
    """What a metric of the system's own says at one time."""

    GAUGE = "gauge"
    """A value as it is."""
    COUNTER = "counter"
    """How many since the start; sampled per second."""
    HISTOGRAM = "histogram"
    """A histogram or summary; sampled as the mean since the sample before."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that the system publishes itself, in the Prometheus text format.

    name: the SLI is ``metric.`` and this. url_variable: the environment variable with the address. metric: its name
    there. labels: what its series must have; the series that have them are added up.
    """

    name: str
    url_variable: str
    metric: str
    labels: tuple[tuple[str, str], ...]
    kind: MetricKind


@dataclass(frozen=True, slots=True)
class CapacityTarget:
    """One system: its plan's stages, flows, figures and statements.

    facts: words of the document that belong to no single stage (known problems, migration hints). groups: figures that
    belong to none. audits: what is calculated and compared without any load. predicted: what the plan says of
    things that a run measures. coverage: how each row is checked. product: which product of the reference application
    stands in for it. page: what a browser opens beside the load. metrics: what is sampled by name of what the system
    publishes itself.
    """

    name: str
    title: str
    document: str
    locustfile: str
    flows: tuple[Flow, ...]
    stages: tuple[Stage, ...]
    facts: tuple[Statement, ...]
    product: str = ""
    groups: tuple[FigureGroup, ...] = ()
    claims: tuple[Claim, ...] = ()
    planned_rules: tuple[PlannedRule, ...] = ()
    audits: tuple[Audit, ...] = ()
    predicted: tuple[PlannedPrediction, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    page: Page | None = None
    metrics: tuple[Metric, ...] = ()

    def stage(self, name: str) -> Stage:
        """The stage of that name; raises KeyError."""
        for stage in self.stages:
            if stage.name.lower() == name.lower():
                return stage
        raise KeyError(name)

    def group(self, name: str) -> FigureGroup:
        """The table of that name; raises KeyError."""
        return next((group for group in self.groups if group.name == name), None) or _no(name)


def _named(figures: tuple[Figure, ...], name: str) -> Figure:
    return next((figure for figure in figures if figure.name == name), None) or _no(name)


def _no(name: str) -> NoReturn:
    raise KeyError(name)
