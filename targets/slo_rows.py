"""An SLO as a system's TOML file may say it."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from harness.model.figure import Figure
from harness.model.plan import LevelName
from harness.model.slo import Comparison, Slo, SloKind
from harness.model.units import Quantity, Unit
from targets.hints import did_you_mean
from targets.rows import AQuantity, Row, Table, Text, wrap
from targets.vocabulary import METRIC_PREFIX, SLIS

_SLI_BY_NAME = {sli.name: sli for sli in SLIS}


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
        if name not in _SLI_BY_NAME and not name.startswith(METRIC_PREFIX):
            raise ValueError(f'no SLI is called "{name}"{did_you_mean(name, _SLI_BY_NAME)}')
        return name

    @field_validator("kind")
    @classmethod
    def _possible_kind(cls, kind: SloKind | None, info: Any) -> SloKind | None:
        sli = _SLI_BY_NAME.get(info.data.get("sli", ""))
        if sli is None and kind not in (None, SloKind.GAUGE):
            raise ValueError(f"a metric is judged as {SloKind.GAUGE}, not as {kind}")
        if kind is not None and sli is not None and kind not in sli.kinds:
            raise ValueError(f"{sli.name} is judged as {' or '.join(sli.kinds)}, not as {kind}")
        return kind

    @field_validator("levels")
    @classmethod
    def _known_levels(cls, names: list[str]) -> list[str]:
        for name in names:
            if name not in tuple(LevelName):
                raise ValueError(f'no level is called "{name}"{did_you_mean(name, tuple(LevelName))}')
            if names.count(name) > 1:
                raise ValueError(f'the level "{name}" stands twice')
        return names

    @field_validator("at_most", "at_least")
    @classmethod
    def _bound_in_the_unit_of_the_sli(cls, bounds: Bounds | None, info: Any) -> Bounds | None:
        sli = _SLI_BY_NAME.get(info.data.get("sli", ""))
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
        if self.sli.startswith(METRIC_PREFIX):
            return SloKind.GAUGE
        return self.kind or _SLI_BY_NAME[self.sli].kinds[0]

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
