"""What a plan predicts of a stage, calculated from its figures. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from harness.errors import PlanError
from harness.model.prediction import PlannedPrediction, Prediction, measure
from harness.model.target import CapacityTarget, Stage
from harness.planning.audit import lookup
from harness.planning.expression import comparable, evaluate


def predictions_of(target: CapacityTarget, stage: Stage) -> tuple[Prediction, ...]:
    """Everything that is predicted of the stage, with the figures that it has now. Raises PlanError for what cannot be
    calculated, which ``mistakes`` finds when the file is read."""
    stages = tuple(stage if each.name == stage.name else each for each in target.stages)
    as_set = replace(target, stages=stages)
    return tuple(_calculated(row, as_set, stage.name) for row in target.predicted if _holds_for(row, stage.name))


def mistakes(target: CapacityTarget) -> Iterator[tuple[str, str]]:
    """Of the predictions that cannot be calculated: the id and a sentence."""
    for row in target.predicted:
        for stage in target.stages:
            try:
                if _holds_for(row, stage.name):
                    _calculated(row, target, stage.name)
            except PlanError as error:
                yield row.id, error.message
                break


def _holds_for(row: PlannedPrediction, stage: str) -> bool:
    return not row.stages or stage in row.stages


def _calculated(row: PlannedPrediction, target: CapacityTarget, stage: str) -> Prediction:
    unit = measure(row.measure).unit
    try:
        value = evaluate(row.expected.replace("{stage}", stage), lookup(target))
        if not comparable(value.unit, unit):
            raise ValueError(f"is in {value.unit} ({value.text}), but {row.measure} is in {unit}")
    except ValueError as error:
        raise PlanError(str(error), f"prediction {row.id}") from error
    shown = value.shown(unit)
    return Prediction(
        id=row.id,
        title=row.title,
        measure=row.measure,
        relation=row.relation,
        low=value.low,
        high=value.high,
        unit=unit,
        arithmetic=f"{value.text} = {shown}" if value.is_calculated else shown,
        level=row.level,
        citations=tuple(dict.fromkeys((*row.citations, *value.citations))),
        formulas=value.formulas,
        assumed=value.assumed,
    )
