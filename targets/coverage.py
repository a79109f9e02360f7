"""How each row of a system's data is checked, and the page that says so (docs/coverage.md).

python -m targets.coverage_page      writes the page anew
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from harness.model.audit import Audit
from harness.model.figure import Figure
from harness.model.prediction import PlannedPrediction
from harness.model.slo import Slo
from harness.model.target import Check, Coverage
from harness.planning.expression import paths_in, range_text, whole_path
from targets.rows import FigureTable, Row
from targets.vocabulary import KNOWN_FIGURES

NOBODY_ASKS = "nothing asks for it"
ALWAYS_READ = ("audience", "application")
"""Tables whose every figure is used: the database is seeded with people of that many kinds, the application is told."""
_STRENGTH = list(Check)


def figure_coverage(
    place: str, table: FigureTable, document: str, heading: str, *, known: bool | None
) -> Iterator[Coverage]:
    """Of the figures of a table. known: all of them are read by the harness, or those whose names it knows (False), or
    none (None). What is read is measured, whatever the table says of the others."""
    for name, row in table.rows():
        figure = row.figure(name, document, heading)
        read = known or (known is False and name in KNOWN_FIGURES)
        own = row.check is not None and (row.check, row.why) != (table.check, table.why)
        if read and not own:
            check, why = Check.MEASURED, ""
        else:
            check, why = (row.check, row.why) if row.check else (Check.STATED_ONLY, NOBODY_ASKS)
        yield Coverage(f"{place}.{name}", value_text(figure), figure.provenance, figure.citation, check, why)


def slo_coverage(place: str, row: Row, slo: Slo) -> Coverage:
    """Of an SLO: measured, unless it says otherwise."""
    bounds = [bound for bound in (slo.warning, slo.critical) if bound is not None]
    text = f"{slo.title} {slo.comparison.sign} {', '.join(value_text(bound) for bound in bounds)}"
    return Coverage(place, text, row.provenance, slo.citation, row.check or Check.MEASURED, row.why)


def value_text(figure: Figure) -> str:
    """``50/s to 80/s``."""
    return range_text(figure.value, figure.top, figure.unit)


def with_predicted(rows: tuple[Coverage, ...], predicted: tuple[PlannedPrediction, ...]) -> tuple[Coverage, ...]:
    """What a run is held against is measured: every figure of a prediction that a single figure is. The parts of a
    calculated one are computed at least."""
    stages = dict.fromkeys(row.path.split(".")[1] for row in rows if row.path.startswith("stages."))
    whole: set[str] = set()
    parts: set[str] = set()
    for each in predicted:
        for stage in each.stages or stages:
            expected = each.expected.replace("{stage}", stage).strip()
            paths = set(paths_in(expected))
            (whole if whole_path(expected) in paths else parts).update(paths)
    measured, computed = _rows_of(whole), _rows_of(parts)
    return tuple(
        replace(row, check=Check.MEASURED, why="")
        if row.path in measured
        else _at_least_computed(row)
        if row.path in computed
        else row
        for row in rows
    )


def with_computed(rows: tuple[Coverage, ...], audits: tuple[Audit, ...]) -> tuple[Coverage, ...]:
    """What an audit calculates with is computed at least."""
    asked = _rows_of({path for audit in audits for side in (audit.compute, audit.against) for path in paths_in(side)})
    return tuple(_at_least_computed(row) if row.path in asked else row for row in rows)


def _rows_of(named: set[str]) -> set[str]:
    """The rows of a file that those paths lead to."""
    shared = {f"every_stage.{path.split('.', 2)[2]}" for path in named if path.count(".") >= 3}
    asked = named | shared | {".".join(path.split(".")[:2]) for path in named if _is_row(path)}
    return asked | {f"slos.{path.split('.')[3]}" for path in named if ".slos." in path}


def _is_row(path: str) -> bool:
    """A part of a claim or of a rule stands for the whole row."""
    return path.startswith(("claims.", "rules."))


def _at_least_computed(row: Coverage) -> Coverage:
    if _STRENGTH.index(row.check) <= _STRENGTH.index(Check.COMPUTED):
        return row
    return replace(row, check=Check.COMPUTED, why="")
