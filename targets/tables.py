"""The tables of a system's file beside its stages: claims of improvement, rules of scaling, and the audit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from harness.model.audit import Audit, Grade, Relation
from harness.model.figure import Citation
from harness.model.plan import LevelName
from harness.model.prediction import MEASURES, PlannedPrediction
from harness.model.target import Check, Claim, Coverage, PlannedRule, Switch
from harness.model.units import Quantity, Unit
from targets.hints import did_you_mean
from targets.rows import AQuantity, Row, Table, Text
from targets.rule_rows import judged_rule
from targets.vocabulary import SLIS, find_sli

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
_SLI_NAMES = tuple(sli.name for sli in SLIS)
_MEASURES = tuple(measure.name for measure in MEASURES)


def _known_measure(name: str) -> str:
    if name not in _MEASURES:
        raise ValueError(f'nothing measures "{name}"{did_you_mean(name, _MEASURES)}; known are {", ".join(_MEASURES)}')
    return name


MeasureName = Annotated[str, AfterValidator(_known_measure), Field(json_schema_extra={"enum": list(_MEASURES)})]


def _must_be(value: Quantity | None, unit: Unit, example: str) -> Quantity | None:
    if value is not None and value.unit is not unit:
        raise ValueError(f"is in {value.unit}; write {unit}, such as {example}")
    return value


class ClaimRow(Row):
    """An improvement that the plan speaks of."""

    id: Id
    text: Text
    measure: Text
    before: AQuantity | None = None
    after: AQuantity | None = None
    factor: AQuantity | None = None
    reduction: AQuantity | None = None
    increase: AQuantity | None = None
    switch: Switch | None = None
    endpoint: str = ""
    shows: MeasureName | None = None

    @field_validator("factor")
    @classmethod
    def _times(cls, value: Quantity | None) -> Quantity | None:
        return _must_be(value, Unit.FACTOR, '"5-10 x"')

    @field_validator("reduction", "increase")
    @classmethod
    def _share(cls, value: Quantity | None) -> Quantity | None:
        return _must_be(value, Unit.RATIO, '"70 %"')

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if all(part is None for part in (self.before, self.after, self.factor, self.reduction, self.increase)):
            raise ValueError("a claim needs a number: before and after, factor, reduction or increase")
        if self.before is not None and self.after is not None and self.before.unit is not self.after.unit:
            raise ValueError(f"before is in {self.before.unit}, but after is in {self.after.unit}")
        return self

    def claim(self, document: str) -> Claim:
        """As a value of the model."""
        parts = {
            name: self.part(name, getattr(self, name), document, "")
            for name in ("before", "after", "factor", "reduction", "increase")
        }
        citation = self.citation(document, "")
        return Claim(
            self.id,
            self.text,
            self.measure,
            citation,
            switch=self.switch,
            endpoint=self.endpoint,
            shows=self.shows or "",
            **parts,
        )

    def coverage(self, document: str) -> Coverage:
        """Measured by its switch, unless it says otherwise."""
        check = self.check or (Check.STATED_ONLY if self.switch is None else Check.MEASURED)
        why = self.why or ("" if self.switch else "no switch of the reference application shows it")
        return Coverage(f"claims.{self.id}", self.text, self.provenance, self.citation(document, ""), check, why)


_RULE_NUMBERS = ("above", "below", "for", "lead_time", "target", "over_below", "under_above", "uptime", "quantile")


class RuleRow(Row):
    """When the plan acts: a bound that is crossed for a while, a band of utilisation, or an uptime."""

    id: Id
    title: Text
    sli: str = ""
    purpose: Literal["scale-up", "scale-down", "alert", "band", "uptime"]
    severity: Literal["warning", "critical"] = "warning"
    above: AQuantity | None = None
    below: AQuantity | None = None
    for_: AQuantity | None = Field(default=None, alias="for")
    lead_time: AQuantity | None = None
    target: AQuantity | None = None
    over_below: AQuantity | None = None
    under_above: AQuantity | None = None
    uptime: AQuantity | None = None
    quantile: AQuantity | None = None
    levels: tuple[LevelName, ...] = (LevelName.NORMAL, LevelName.PEAK, LevelName.RECOVERY)
    only_with: str = ""
    action: str = ""
    stages: tuple[str, ...] = ()

    @field_validator("sli", "only_with")
    @classmethod
    def _known_sli(cls, name: str) -> str:
        if name and find_sli(name) is None:
            raise ValueError(f'no SLI is called "{name}"{did_you_mean(name, _SLI_NAMES)}')
        return name

    @field_validator("for_", "lead_time")
    @classmethod
    def _time(cls, value: Quantity | None) -> Quantity | None:
        return _must_be(value, Unit.SECONDS, '"5 min"')

    @model_validator(mode="after")
    def _whole(self) -> Self:
        wanted = {"band": self.target, "uptime": self.uptime}.get(self.purpose, self.above or self.below)
        if wanted is None:
            needs = {"band": 'target = "50-70 %"', "uptime": 'uptime = "99.9 %"'}
            bound = 'above = "70 %" or below = "30 %"'
            raise ValueError(f"a rule of this purpose needs {needs.get(self.purpose, bound)}")
        if self.above is not None and self.below is not None:
            raise ValueError("a rule fires above or below its bound, not both; write two")
        judged_rule(self.rule(""))  # raises for what does not fit the SLI
        return self

    def rule(self, document: str) -> PlannedRule:
        """As a value of the model."""
        parts = (
            self.part(name, getattr(self, "for_" if name == "for" else name), document, "") for name in _RULE_NUMBERS
        )
        return PlannedRule(
            self.id,
            self.title,
            self.sli,
            self.purpose,
            self.severity,
            tuple(figure for figure in parts if figure is not None),
            self.levels,
            self.action,
            self.only_with,
            self.stages,
            self.citation(document, ""),
        )

    def coverage(self, document: str) -> Coverage:
        """Measured by its SLI, unless it says otherwise."""
        check = self.check or (Check.MEASURED if self.sli else Check.STATED_ONLY)
        why = self.why or ("" if self.sli else "the harness does not measure it")
        numbers = ", ".join(f"{figure.name.replace('_', ' ')} {figure}" for figure in self.rule(document).numbers)
        text = f"{self.title}: {numbers}" + (f" → {self.action}" if self.action else "")
        return Coverage(f"rules.{self.id}", text, self.provenance, self.citation(document, ""), check, why)


class Place(Table):
    """A place of the document."""

    cite: Text
    quote: str = ""


class AuditRow(Table):
    """A comparison: ``compute`` with one of ``equals``, ``at_most``, ``at_least``; or ``quotes`` that only a reader can
    compare. With ``stages`` it stands for as many comparisons, ``{stage}`` being each one's name."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    title: Text
    compute: str = ""
    equals: str | None = None
    at_most: str | None = None
    at_least: str | None = None
    tolerance: AQuantity = Quantity(0.01, Unit.RATIO)
    grade: Grade
    says: str = ""
    cite: str = ""
    quote: str = ""
    quotes: tuple[Place, ...] = ()
    stages: tuple[str, ...] = ()

    @field_validator("tolerance")
    @classmethod
    def _share(cls, value: Quantity) -> Quantity:
        return _must_be(value, Unit.RATIO, '"1 %"') or value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        sides = [side for side in (self.equals, self.at_most, self.at_least) if side is not None]
        if bool(self.compute) == bool(self.quotes):
            raise ValueError('write compute = "…" and what it should be, or the quotes that a reader compares')
        if self.compute and len(sides) != 1:
            raise ValueError("write what compute should be: equals, at_most or at_least, one of the three")
        if self.quotes and (len(self.quotes) < 2 or sides or not self.says):
            raise ValueError("two quotes or more are compared by a reader, who writes what he found in says")
        return self

    def audits(self, document: str) -> Iterator[Audit]:
        """One, or one for each stage."""
        sides = ((Relation.EQUAL, self.equals), (Relation.AT_MOST, self.at_most), (Relation.AT_LEAST, self.at_least))
        relation, against = next((side for side in sides if side[1] is not None), (Relation.EQUAL, ""))
        places = [place for place in (self.quotes or (self,)) if place.cite]
        for stage in self.stages or ("",):

            def named(text: str, name: str = stage) -> str:
                return text.replace("{stage}", name)

            yield Audit(
                f"{self.id}-{stage.lower()}" if stage else self.id,
                named(self.title),
                named(self.compute),
                relation,
                named(against or ""),
                self.tolerance.value,
                self.grade,
                named(self.says),
                tuple(Citation(document, named(place.cite), named(place.quote)) for place in places),
            )


class PredictionRow(Table):
    """What the plan says of something that a run measures: ``equals``, ``at_most`` or ``at_least``, an expression as in
    an audit, beside a ``measure`` at one level. {stage} is the stage's name."""

    id: Id
    title: Text
    measure: MeasureName
    equals: str | None = None
    at_most: str | None = None
    at_least: str | None = None
    level: LevelName = LevelName.PEAK
    stages: tuple[str, ...] = ()
    cite: str = ""
    quote: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if sum(side is not None for side in (self.equals, self.at_most, self.at_least)) != 1:
            raise ValueError("write what is predicted: equals, at_most or at_least, one of the three")
        if self.quote and not self.cite:
            raise ValueError('a quote needs its section: cite = "…"')
        return self

    def prediction(self, document: str) -> PlannedPrediction:
        """As a value of the model."""
        sides = ((Relation.EQUAL, self.equals), (Relation.AT_MOST, self.at_most), (Relation.AT_LEAST, self.at_least))
        relation, expected = next((relation, side) for relation, side in sides if side is not None)
        cited = (Citation(document, self.cite, self.quote),) if self.cite else ()
        return PlannedPrediction(
            self.id, self.title, self.measure, relation, expected, self.level.value, self.stages, cited
        )
