"""Rules in a system's file: ``above`` or ``below`` with ``for``, a band ``within``, or an ``uptime``."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from harness.model.figure import Citation, Figure, Provenance
from harness.model.plan import LevelName
from harness.model.rule import BandRule, Fires, Purpose, Rule, TimedRule, UptimeRule
from harness.model.slo import SloKind
from harness.model.units import Quantity, Unit
from harness.model.verdict import Severity
from targets.rows import SLI_BY_NAME, AQuantity, Row, Text, known_levels, known_sli

UPTIME_SLI = "request_success_ratio"
"""What a run can say of an uptime."""
NO_DURATION = "the plan names no duration: the first window of 10 s over the threshold fires"
_WINDOWED = (SloKind.QUANTILE, SloKind.GAUGE, SloKind.PROPORTION, SloKind.THROUGHPUT)
_LEVELS = (LevelName.NORMAL.value, LevelName.PEAK.value)
"""Where a rule is judged when it names no level."""
_WHOLE_LEVEL = ("jobs_finished_ratio",)
"""Shares that are only known of a whole level, not of a window."""


class RuleRow(Row):
    """One rule; its kind follows from what it names."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    title: Text
    sli: str = UPTIME_SLI
    above: AQuantity | None = None
    below: AQuantity | None = None
    for_: AQuantity | None = Field(default=None, alias="for")
    quantile: AQuantity | None = None
    only_with: str | None = None
    purpose: Purpose | None = None
    severity: Literal["warning", "critical"] | None = None
    within: AQuantity | None = None
    over_provisioned_below: AQuantity | None = None
    under_provisioned_above: AQuantity | None = None
    uptime: AQuantity | None = None
    levels: Annotated[list[str], Field(min_length=1)] = Field(default_factory=lambda: [*_LEVELS])
    stages: list[str] | None = None
    note: str = ""

    @field_validator("sli", "only_with")
    @classmethod
    def _known_sli(cls, name: str | None) -> str | None:
        return None if name is None else known_sli(name)

    @field_validator("levels")
    @classmethod
    def _known_levels(cls, names: list[str]) -> list[str]:
        return known_levels(names)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        given = [
            name
            for name, value in (
                ("above", self.above),
                ("below", self.below),
                ("within", self.within),
                ("uptime", self.uptime),
            )
            if value is not None
        ]
        if len(given) != 1:
            raise ValueError("a rule needs one of above, below, within and uptime")
        if given[0] in ("above", "below"):
            self._check_timed()
        else:
            self._only_for_timed()
            self._check_other()
        return self

    def _check_timed(self) -> None:
        sli = SLI_BY_NAME[self.sli]
        threshold = self.above or self.below
        assert threshold is not None
        if not set(sli.kinds) & set(_WINDOWED) or self.sli in _WHOLE_LEVEL:
            raise ValueError(f"{self.sli} has no value for each window of time; write an SLO")
        if threshold.unit is not sli.unit:
            raise ValueError(f"the threshold is in {threshold.unit}, but {self.sli} is in {sli.unit}")
        if threshold.high is not None:
            raise ValueError("the threshold is a range; write one value, or a band: within")
        if self.for_ is not None and (self.for_.unit is not Unit.SECONDS or self.for_.high is not None):
            raise ValueError('for is a duration, such as for = "5 min"')
        needs = SloKind.QUANTILE in sli.kinds
        if needs != (self.quantile is not None):
            wanted = 'needs a quantile, such as quantile = "95 %"' if needs else "takes no quantile"
            raise ValueError(f"{self.sli} {wanted}")
        if self.quantile is not None and not (self.quantile.unit is Unit.RATIO and 0 < self.quantile.value < 1):
            raise ValueError('a quantile lies between 0 % and 100 %; write "95 %"')
        if self.only_with is not None and SloKind.GAUGE not in SLI_BY_NAME[self.only_with].kinds:
            raise ValueError(f"only_with takes a sampled series; {self.only_with} is none")
        if self.over_provisioned_below is not None or self.under_provisioned_above is not None:
            raise ValueError("over_provisioned_below and under_provisioned_above belong to a band: within")

    def _only_for_timed(self) -> None:
        for name, value in (
            ("for", self.for_),
            ("quantile", self.quantile),
            ("only_with", self.only_with),
            ("purpose", self.purpose),
            ("severity", self.severity),
        ):
            if value is not None:
                raise ValueError(f"{name} belongs to a rule that is above or below a threshold")

    def _check_other(self) -> None:
        sli = SLI_BY_NAME[self.sli]
        if self.uptime is not None:
            if self.sli != UPTIME_SLI:
                raise ValueError(f"an uptime is held against {UPTIME_SLI}; leave sli out")
            if self.uptime.unit is not Unit.RATIO or not 0 < self.uptime.value < 1 or self.uptime.high is not None:
                raise ValueError('an uptime lies between 0 % and 100 %; write "99.9 %"')
            return
        assert self.within is not None
        if SloKind.GAUGE not in sli.kinds:
            raise ValueError(f"a band is for a sampled series; {self.sli} is none")
        if self.within.high is None:
            raise ValueError('a band is a range; write within = "50-70 %"')
        edges = [each for each in (self.over_provisioned_below, self.under_provisioned_above) if each is not None]
        if any(each.unit is not sli.unit for each in (self.within, *edges)):
            raise ValueError(f"{self.sli} is in {sli.unit}; write the band and its edges in it")
        low = self.over_provisioned_below or self.within
        high = self.within.high if self.under_provisioned_above is None else self.under_provisioned_above.value
        if low.value > self.within.value or high < self.within.high:
            raise ValueError("the band lies between over_provisioned_below and under_provisioned_above")

    def rule(self, document: str, stage: str) -> Rule:
        """As a value of the model."""
        citation = self.citation(document, stage)

        def figure(name: str, quantity: Quantity) -> Figure:
            note = self.derived or self.assumed or ""
            return Figure(
                f"{self.id} {name}", quantity.value, quantity.unit, self.provenance, citation, quantity.high, note
            )

        levels = tuple(self.levels)
        if self.uptime is not None:
            return UptimeRule(self.id, self.title, self.sli, figure("uptime", self.uptime), levels, citation, self.note)
        if self.within is not None:
            low, high = self.over_provisioned_below, self.under_provisioned_above
            within = self.within
            top = within.value if within.high is None else within.high
            return BandRule(
                self.id,
                self.title,
                self.sli,
                figure("target", within),
                figure("over-provisioned", low or Quantity(within.value, within.unit)),
                figure("under-provisioned", high or Quantity(top, within.unit)),
                levels,
                citation,
                self.note,
            )
        threshold = self.above or self.below
        assert threshold is not None
        return TimedRule(
            self.id,
            self.title,
            self.sli,
            Fires.BELOW if self.above is None else Fires.ABOVE,
            figure("threshold", threshold),
            self._duration(citation),
            self.purpose or Purpose.ALERT,
            Severity(self.severity or Severity.WARNING),
            levels,
            citation,
            None if self.quantile is None else self.quantile.value,
            self.only_with or "",
            self.note,
        )

    def _duration(self, citation: Citation) -> Figure:
        name = f"{self.id} duration"
        if self.for_ is None:
            return Figure(name, 0.0, Unit.SECONDS, Provenance.ASSUMED, citation, None, NO_DURATION)
        note = self.derived or self.assumed or ""
        return Figure(name, self.for_.value, Unit.SECONDS, self.provenance, citation, None, note)
