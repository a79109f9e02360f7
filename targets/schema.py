"""What a system's TOML file may say, checked by pydantic and turned into the values of ``harness.model``.

The small parts, with their citations, are in ``targets.rows``, an SLO in ``targets.slo_rows``; what no run reads is in
``targets.tables``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from harness.model.figure import Citation, Figure, Provenance, Statement
from harness.model.rule import Rule
from harness.model.target import (
    CapacityTarget,
    Coverage,
    FigureGroup,
    Flow,
    FlowKind,
    Metric,
    MetricKind,
    Page,
    Stage,
    UploadFile,
)
from harness.model.units import Quantity, Unit
from harness.planning.paths import STAGE_TABLES
from targets.coverage import ALWAYS_READ, figure_coverage, slo_coverage, with_computed, with_predicted
from targets.rows import NO_FIGURES, AQuantity, FigureTable, StatementRow, StatementTable, Table, Text
from targets.rule_rows import judged_rule
from targets.slo_rows import SloRow
from targets.tables import AuditRow, ClaimRow, PredictionRow, RuleRow

SHARE_TOLERANCE = 1e-3
"""Shares may be rounded: 33.3 % three times is the whole."""

MOST_PAGE_SECONDS = 60
"""A page seen less often is hardly seen in any profile."""

NORMAL_FROM = (
    ("normal_rps", "peak_rps"),
    ("normal_users", "concurrent_users"),
    ("normal_upload_rate", "upload_rate"),
)
"""With ``normal_from``: a stage's figure, and the one of the named stage that it is."""


class FlowRow(Table):
    """What one kind of user does."""

    kind: FlowKind
    user_class: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    share: AQuantity | None = None
    http_steps: Annotated[float, Field(ge=0)] = 0
    file: UploadFile | None = None
    note: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kind is FlowKind.HTTP:
            if self.share is None or self.share.unit is not Unit.RATIO:
                raise ValueError('an http flow needs its share of the sessions, such as share = "20 %"')
            if self.http_steps < 1:
                raise ValueError("an http flow needs http_steps: the HTTP requests of one session")
        elif self.share is not None:
            raise ValueError(f"only http flows have a share; the rate of {self.kind} follows from the stage's load")
        if self.file is not None and self.kind is not FlowKind.UPLOAD:
            raise ValueError("only an upload flow sends a file")
        return self

    def flow(self, name: str) -> Flow:
        """As a value of the model."""
        share = 0.0 if self.share is None else self.share.value
        file = self.file or UploadFile.VIDEO
        return Flow(name, self.kind, self.user_class, share, self.http_steps, self.note, file)


class BrowserTable(Table):
    """The page that a browser opens beside the load."""

    page: Annotated[str, Field(pattern=r"^/")]
    sign_in: Annotated[str, Field(pattern=r"^/")] | None = None
    account: dict[str, str] = Field(default_factory=dict)
    every: AQuantity = Quantity(2.0, Unit.SECONDS)

    @field_validator("every")
    @classmethod
    def _often_enough(cls, value: Quantity) -> Quantity:
        if value.unit is not Unit.SECONDS or value.high is not None or not 1 <= value.value <= MOST_PAGE_SECONDS:
            raise ValueError('lies between "1 s" and "60 s"')
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.sign_in is None and (self.account or "{" in self.page):
            raise ValueError("an account, and a page with {…}, need sign_in: the path that the account is sent to")
        return self

    def value(self) -> Page:
        """As a value of the model."""
        return Page(self.page, self.sign_in or "", tuple(self.account.items()), self.every.value)


class MetricRow(Table):
    """A number that the system publishes itself, in the Prometheus text format."""

    url_variable: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
    metric: Annotated[str, Field(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]*$")]
    labels: dict[str, str] = Field(default_factory=dict)
    kind: MetricKind = MetricKind.GAUGE

    def value(self, name: str) -> Metric:
        """As a value of the model."""
        return Metric(name, self.url_variable, self.metric, tuple(self.labels.items()), self.kind)


GroupName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
Groups = dict[GroupName, FigureTable]


class StageTable(Table):
    """One stage of the plan."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    title: Text
    cite: Text
    normal_from: str | None = None
    audience: FigureTable
    server: FigureTable
    sizing: FigureTable
    load: FigureTable
    costs: FigureTable = NO_FIGURES
    application: FigureTable = NO_FIGURES
    figures: Groups = Field(default_factory=dict)
    bottleneck: StatementRow | None = None
    migration: tuple[StatementTable, ...] = ()
    recommendations: tuple[StatementTable, ...] = ()
    deviations: tuple[StatementTable, ...] = ()
    slos: tuple[SloRow, ...] = ()


class SharedTable(Table):
    """What holds for every stage, so that it need not be written for each."""

    server: FigureTable = NO_FIGURES
    sizing: FigureTable = NO_FIGURES
    load: FigureTable = NO_FIGURES
    application: FigureTable = NO_FIGURES
    deviations: tuple[StatementTable, ...] = ()


class TargetFile(Table):
    """A whole file."""

    format: Literal[1]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    title: Text
    document: Text
    locustfile: Text
    product: Text | None = None
    flows: Annotated[dict[str, FlowRow], Field(min_length=1)]
    browser: BrowserTable | None = None
    metrics: dict[GroupName, MetricRow] = Field(default_factory=dict)
    every_stage: SharedTable = SharedTable()
    stages: Annotated[list[StageTable], Field(min_length=1)]
    slos: tuple[SloRow, ...] = ()
    figures: Groups = Field(default_factory=dict)
    claims: tuple[ClaimRow, ...] = ()
    rules: tuple[RuleRow, ...] = ()
    audit: tuple[AuditRow, ...] = ()
    predictions: tuple[PredictionRow, ...] = ()
    facts: tuple[StatementTable, ...] = ()

    @field_validator("flows")
    @classmethod
    def _shares_are_the_whole(cls, flows: dict[str, FlowRow]) -> dict[str, FlowRow]:
        shares = [flow.share.value for flow in flows.values() if flow.share is not None]
        if shares and abs(sum(shares) - 1) > SHARE_TOLERANCE:
            raise ValueError(f"the shares of the http flows add up to {sum(shares) * 100:g} %, not to 100 %")
        return flows

    def target(self) -> CapacityTarget:
        """As a value of the model."""
        audits = tuple(audit for row in self.audit for audit in row.audits(self.document))
        predicted = tuple(row.prediction(self.document) for row in self.predictions)
        return CapacityTarget(
            self.name,
            self.title,
            self.document,
            self.locustfile,
            tuple(row.flow(name) for name, row in self.flows.items()),
            tuple(self._stage(stage) for stage in self.stages),
            tuple(fact for table in self.facts for fact in table.statements(self.document)),
            product=self.product or self.name,
            groups=_groups(self.figures, self.document, ""),
            claims=tuple(row.claim(self.document) for row in self.claims),
            planned_rules=tuple(row.rule(self.document) for row in self.rules),
            audits=audits,
            predicted=predicted,
            coverage=with_predicted(with_computed(tuple(self._coverage()), audits), predicted),
            page=None if self.browser is None else self.browser.value(),
            metrics=tuple(row.value(name) for name, row in self.metrics.items()),
        )

    def _stage(self, stage: StageTable) -> Stage:
        document, shared, heading = self.document, self.every_stage, stage.cite
        rows = [row for row in self.slos if row.stages is None or stage.name in row.stages] + list(stage.slos)
        load = stage.load.figures(document, heading) + shared.load.figures(document, heading)
        silent = Statement("the plan names none", Citation(document, stage.cite))
        return Stage(
            stage.name,
            stage.title,
            stage.audience.figures(document, heading),
            stage.server.figures(document, heading) + shared.server.figures(document, heading),
            stage.sizing.figures(document, heading) + shared.sizing.figures(document, heading),
            load + tuple(self._normal_level(stage, {figure.name for figure in load})),
            stage.costs.figures(document, heading),
            silent if stage.bottleneck is None else stage.bottleneck.statement(document),
            tuple(step for table in stage.migration for step in table.statements(document)),
            tuple(advice for table in stage.recommendations for advice in table.statements(document)),
            tuple(row.slo(document, heading) for row in rows),
            Citation(document, stage.cite),
            application=stage.application.figures(document, heading) + shared.application.figures(document, heading),
            groups=_groups(stage.figures, document, heading),
            deviations=tuple(
                each for table in stage.deviations + shared.deviations for each in table.statements(document)
            ),
            rules=tuple(self._judged(stage.name)),
        )

    def _judged(self, stage: str) -> Iterator[Rule]:
        """The rules that a run of the stage judges."""
        for row in self.rules:
            rule = judged_rule(row.rule(self.document))
            if rule is not None and (not row.stages or stage in row.stages):
                yield rule

    def _normal_level(self, stage: StageTable, present: set[str]) -> Iterator[Figure]:
        """Where the plan's rows are levels and stages at once, a stage's normal load is another row's own."""
        other = next((each for each in self.stages if each.name == stage.normal_from), None)
        if other is None:
            return
        theirs = {figure.name: figure for figure in other.load.figures(self.document, other.cite)}
        for name, source in NORMAL_FROM:
            figure = theirs.get(source)
            if figure is not None and name not in present:
                note = f"the load of {other.title}, the row above: {figure}"
                yield Figure(name, figure.top, figure.unit, Provenance.DERIVED, figure.citation, note=note)

    def _coverage(self) -> Iterator[Coverage]:
        """Of every row of the file, in its order."""
        document = self.document
        for table in ("server", "sizing", "load", "application"):
            place = f"every_stage.{table}"
            yield from figure_coverage(
                place, getattr(self.every_stage, table), document, "", known=table in ALWAYS_READ
            )
        for index, sentences in enumerate(self.every_stage.deviations):
            yield from sentences.coverage(f"every_stage.deviations[{index}]", document)
        for stage in self.stages:
            place = f"stages.{stage.name}"
            for table in STAGE_TABLES:
                group = getattr(stage, table)
                yield from figure_coverage(f"{place}.{table}", group, document, stage.cite, known=table in ALWAYS_READ)
            for name, group in stage.figures.items():
                yield from figure_coverage(f"{place}.figures.{name}", group, document, stage.cite, known=None)
            if stage.bottleneck is not None:
                yield stage.bottleneck.coverage(f"{place}.bottleneck", document)
            for words in ("migration", "recommendations", "deviations"):
                for index, sentences in enumerate(getattr(stage, words)):
                    yield from sentences.coverage(f"{place}.{words}[{index}]", document)
            for row in stage.slos:
                yield slo_coverage(f"{place}.slos.{row.id}", row, row.slo(document, stage.cite))
        for row in self.slos:
            yield slo_coverage(f"slos.{row.id}", row, row.slo(document, "each stage"))
        for name, group in self.figures.items():
            yield from figure_coverage(f"figures.{name}", group, document, "", known=None)
        yield from (row.coverage(document) for row in self.claims)
        yield from (row.coverage(document) for row in self.rules)
        for index, sentences in enumerate(self.facts):
            yield from sentences.coverage(f"facts[{index}]", document)


def _groups(tables: Groups, document: str, heading: str) -> tuple[FigureGroup, ...]:
    return tuple(
        FigureGroup(name, table.title or name.replace("_", " "), table.figures(document, heading))
        for name, table in tables.items()
    )
