"""What a system's TOML file may say, checked by pydantic and turned into the values of ``harness.model``.

A row of figures is ``name = { is = "50-80/s", quote = "Peak RPS: 50-80" }``, or just ``name = "50-80/s"``. It is
*stated* unless it has ``derived`` (its arithmetic) or ``assumed`` (its reason). Its citation is its own ``cite`` or,
left out, the ``cite`` of the table that it stands in.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from harness.model.figure import Citation, Figure, Statement
from harness.model.slo import Comparison, Slo, SloKind
from harness.model.target import CapacityTarget, Flow, FlowKind, Stage
from harness.model.units import Quantity, Unit
from targets.rows import SLI_BY_NAME, AQuantity, Row, Table, Text, inherit, known_levels, known_sli, wrap
from targets.rule_rows import RuleRow

SHARE_TOLERANCE = 1e-3
"""Shares may be rounded: 33.3 % three times is the whole."""


_GROUP_WORDS = ("cite",)


class FigureRow(Row):
    """One number."""

    is_: AQuantity = Field(alias="is")
    note: str = ""

    def figure(self, name: str, document: str, stage: str) -> Figure:
        """As a value of the model."""
        return Figure(
            name,
            self.is_.value,
            self.is_.unit,
            self.provenance,
            self.citation(document, stage),
            self.is_.high,
            self.derived or self.assumed or self.note,
        )


class FigureTable(Table):
    """Figures by name."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, FigureRow]

    cite: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _spread(cls, raw: object) -> object:
        if not isinstance(raw, dict):
            return raw
        return {
            name: row if name in _GROUP_WORDS else inherit("cite", raw, wrap("is", row)) for name, row in raw.items()
        }

    def figures(self, document: str, stage: str) -> tuple[Figure, ...]:
        """In the order of the file."""
        return tuple(row.figure(name, document, stage) for name, row in self.__pydantic_extra__.items())


NO_FIGURES = FigureTable.model_validate({})


class StatementRow(Table):
    """One sentence."""

    text: Text
    cite: Text
    quote: str = ""

    def statement(self, document: str) -> Statement:
        """As a value of the model."""
        return Statement(self.text, Citation(document, self.cite, self.quote))


class StatementTable(Table):
    """Sentences of one section."""

    cite: Text | None = None
    items: list[StatementRow] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _spread(cls, raw: object) -> object:
        if not isinstance(raw, dict) or not isinstance(raw.get("items"), list):
            return raw
        return {**raw, "items": [inherit("cite", raw, wrap("text", row)) for row in raw["items"]]}

    def statements(self, document: str) -> tuple[Statement, ...]:
        """In the order of the file."""
        return tuple(row.statement(document) for row in self.items)


class Bounds(Table):
    """A warning, a critical bound, or both."""

    warning: AQuantity | None = None
    critical: AQuantity | None = None


class SloRow(Row):
    """One SLO; ``kind`` follows from the SLI unless that leaves a choice."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    title: Text
    sli: str
    kind: SloKind | None = None
    quantile: AQuantity | None = None
    levels: Annotated[list[str], Field(min_length=1)]
    at_most: Bounds | None = None
    at_least: Bounds | None = None
    stages: list[str] | None = None
    note: str = ""

    @model_validator(mode="before")
    @classmethod
    def _spread(cls, raw: object) -> object:
        if not isinstance(raw, dict):
            return raw
        sides = {side: wrap("critical", raw[side]) for side in ("at_most", "at_least") if side in raw}
        return {**raw, **sides}

    @field_validator("sli")
    @classmethod
    def _known_sli(cls, name: str) -> str:
        return known_sli(name)

    @field_validator("kind")
    @classmethod
    def _possible_kind(cls, kind: SloKind | None, info: Any) -> SloKind | None:
        sli = SLI_BY_NAME.get(info.data.get("sli", ""))
        if kind is not None and sli is not None and kind not in sli.kinds:
            raise ValueError(f"{sli.name} is judged as {' or '.join(sli.kinds)}, not as {kind}")
        return kind

    @field_validator("levels")
    @classmethod
    def _known_levels(cls, names: list[str]) -> list[str]:
        return known_levels(names)

    @field_validator("at_most", "at_least")
    @classmethod
    def _bound_in_the_unit_of_the_sli(cls, bounds: Bounds | None, info: Any) -> Bounds | None:
        sli = SLI_BY_NAME.get(info.data.get("sli", ""))
        if bounds is None:
            return None
        if bounds.warning is None and bounds.critical is None:
            raise ValueError('write { warning = "…", critical = "…" }, or one of the two')
        for name, bound in (("warning", bounds.warning), ("critical", bounds.critical)):
            if bound is not None and bound.high is not None:
                raise ValueError(f"{name} is a range; a bound is one value")
            if bound is not None and sli is not None and bound.unit is not sli.unit:
                raise ValueError(f"{name} is in {bound.unit}, but {sli.name} is in {sli.unit}")
        if bounds.warning is not None and bounds.critical is not None:
            first, second = bounds.warning.value, bounds.critical.value
            if (first > second) if info.field_name == "at_most" else (first < second):
                raise ValueError("the warning lies beyond the critical bound; swap them")
        return bounds

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError("an SLO needs a bound: at_most or at_least, one of the two")
        if (self.judged_as is SloKind.QUANTILE) != (self.quantile is not None):
            needs = self.judged_as is SloKind.QUANTILE
            text = 'needs a quantile, such as quantile = "95 %"' if needs else "takes no quantile"
            raise ValueError(f"{self.sli} {text}")
        if self.quantile is not None and not (self.quantile.unit is Unit.RATIO and 0 < self.quantile.value < 1):
            raise ValueError('a quantile lies between 0 % and 100 %; write "95 %"')
        return self

    @property
    def judged_as(self) -> SloKind:
        """The kind, chosen or the SLI's own."""
        return self.kind or SLI_BY_NAME[self.sli].kinds[0]

    def slo(self, document: str, stage: str) -> Slo:
        """As a value of the model."""
        bounds = self.at_most or self.at_least
        citation = self.citation(document, stage)
        assert bounds is not None

        def bound(name: str, quantity: Quantity | None) -> Figure | None:
            if quantity is None:
                return None
            note = self.derived or self.assumed or ""
            return Figure(
                f"{self.id} {name}", quantity.value, quantity.unit, self.provenance, citation, quantity.high, note
            )

        return Slo(
            self.id,
            self.title,
            self.sli,
            self.judged_as,
            Comparison.AT_LEAST if self.at_most is None else Comparison.AT_MOST,
            bound("warning", bounds.warning),
            bound("critical", bounds.critical),
            tuple(self.levels),
            citation,
            None if self.quantile is None else self.quantile.value,
            self.note,
        )


class FlowRow(Table):
    """What one kind of user does."""

    kind: FlowKind
    user_class: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    share: AQuantity | None = None
    http_steps: Annotated[float, Field(ge=0)] = 0
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
        return self

    def flow(self, name: str) -> Flow:
        """As a value of the model."""
        share = 0.0 if self.share is None else self.share.value
        return Flow(name, self.kind, self.user_class, share, self.http_steps, self.note)


class StageTable(Table):
    """One stage of the plan."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    title: Text
    cite: Text
    audience: FigureTable
    server: FigureTable
    sizing: FigureTable
    load: FigureTable
    costs: FigureTable = NO_FIGURES
    bottleneck: StatementRow
    migration: list[StatementTable] = Field(default_factory=list)
    recommendations: list[StatementTable] = Field(default_factory=list)
    slos: list[SloRow] = Field(default_factory=list)
    rules: list[RuleRow] = Field(default_factory=list)


class SharedTable(Table):
    """What holds for every stage, so that it need not be written for each."""

    server: FigureTable = NO_FIGURES
    sizing: FigureTable = NO_FIGURES
    load: FigureTable = NO_FIGURES


class TargetFile(Table):
    """A whole file."""

    format: Literal[1]
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
    title: Text
    document: Text
    locustfile: Text
    flows: Annotated[dict[str, FlowRow], Field(min_length=1)]
    every_stage: SharedTable = SharedTable()
    stages: Annotated[list[StageTable], Field(min_length=1)]
    slos: list[SloRow] = Field(default_factory=list)
    rules: list[RuleRow] = Field(default_factory=list)
    facts: list[StatementTable] = Field(default_factory=list)

    @field_validator("flows")
    @classmethod
    def _shares_are_the_whole(cls, flows: dict[str, FlowRow]) -> dict[str, FlowRow]:
        shares = [flow.share.value for flow in flows.values() if flow.share is not None]
        if shares and abs(sum(shares) - 1) > SHARE_TOLERANCE:
            raise ValueError(f"the shares of the http flows add up to {sum(shares) * 100:g} %, not to 100 %")
        return flows

    def target(self) -> CapacityTarget:
        """As a value of the model."""
        return CapacityTarget(
            self.name,
            self.title,
            self.document,
            self.locustfile,
            tuple(row.flow(name) for name, row in self.flows.items()),
            tuple(self._stage(stage) for stage in self.stages),
            tuple(fact for table in self.facts for fact in table.statements(self.document)),
        )

    def _stage(self, stage: StageTable) -> Stage:
        document, shared, heading = self.document, self.every_stage, stage.cite
        rows = [row for row in self.slos if row.stages is None or stage.name in row.stages] + stage.slos
        rules = [row for row in self.rules if row.stages is None or stage.name in row.stages] + stage.rules
        return Stage(
            stage.name,
            stage.title,
            stage.audience.figures(document, heading),
            stage.server.figures(document, heading) + shared.server.figures(document, heading),
            stage.sizing.figures(document, heading) + shared.sizing.figures(document, heading),
            stage.load.figures(document, heading) + shared.load.figures(document, heading),
            stage.costs.figures(document, heading),
            stage.bottleneck.statement(document),
            tuple(step for table in stage.migration for step in table.statements(document)),
            tuple(advice for table in stage.recommendations for advice in table.statements(document)),
            tuple(row.slo(document, heading) for row in rows),
            Citation(document, stage.cite),
            tuple(row.rule(document, heading) for row in rules),
        )
