"""docs/performance.json, which keeps every reading, and docs/performance.md, which is written from it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.figures import Claim, Figure, Outcome, Readings, figure_of, found, outcome

DOCS = Path(__file__).parents[2] / "docs"
_MARKS = {
    Outcome.AIM: "yes, and the aim",
    Outcome.REACHED: "yes",
    Outcome.MISSED: "**no**",
    Outcome.UNKNOWN: "not measured",
}


def number(value: float) -> str:
    """Three digits that count: ``32,500``, ``2.41``, ``0.0312``."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.3g}"


def said(figure: Figure, unit: str = "") -> str:
    """``2.41 (2.30–2.52)``."""
    spread = f" ({number(figure.least)}–{number(figure.most)})" if figure.runs > 1 else ""
    return f"{number(figure.middle)}{' ' + unit if unit else ''}{spread}"


def claim_lines(claims: Sequence[Claim], kept: Mapping[str, Readings]) -> list[tuple[str, ...]]:
    """The table of what must be reached: row, bound, aim, found (least–most), runs, reached."""
    lines: list[tuple[str, ...]] = []
    for claim in claims:
        readings = kept.get(claim.group)
        figure = found(claim, readings)
        sign = "≤" if claim.lower else "≥"
        unit = f" {claim.unit}" if claim.unit else ""
        shown = said(figure, claim.unit) if figure else _why(claim, readings)
        lines.append(
            (
                claim.title,
                f"{sign} {number(claim.at_least)}{unit}",
                f"{number(claim.aim)}{unit}",
                shown,
                str(figure.runs) if figure else "–",
                _MARKS[outcome(claim, figure)],
            )
        )
    return lines


def _why(claim: Claim, readings: Readings | None) -> str:
    if readings is None:
        return "–"
    reasons = [f"{name}: {readings.missing[name]}" for name in (claim.ours, claim.over) if name in readings.missing]
    return "; ".join(reasons) or "–"


CLAIM_HEAD = ("row", "bound", "aim", "found", "runs", "reached")


def _size(contestant: str) -> tuple[int, str]:
    """What a growing thing is sorted by: the number in its name."""
    digits = "".join(filter(str.isdigit, contestant.partition(" ")[0].partition("/")[0]))
    return int(digits or 0), contestant


def reading_lines(titles: Mapping[str, tuple[str, str]], kept: Mapping[str, Readings]) -> list[tuple[str, ...]]:
    """Every contestant's own figure. titles: of the groups, with their units."""
    lines: list[tuple[str, ...]] = []
    for name, (title, unit) in titles.items():
        if (readings := kept.get(name)) is None:
            continue
        for contestant, values in sorted(readings.values.items(), key=lambda item: _size(item[0])):
            shown = said(figure_of(values)) if values else readings.missing.get(contestant, "–")
            lines.append((title, contestant, shown, unit))
        lines += [
            (title, contestant, why, unit)
            for contestant, why in readings.missing.items()
            if contestant not in readings.values
        ]
    return lines


READING_HEAD = ("what", "who", "median (least–most)", "unit")


def plain(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table for the terminal."""
    widths = [max(len(row[column]) for row in (head, *lines)) for column in range(len(head))]
    shown = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *lines))
    return "\n".join(line.rstrip() for line in shown)


def markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table for the page."""
    rows = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in lines]
    return "\n".join(f"| {row} |" for row in (" | ".join(head), *rows)).replace(
        " |\n", " |\n|" + "--|" * len(head) + "\n", 1
    )


def load(folder: Path = DOCS) -> dict[str, Any]:
    """What was measured before; nothing where there is no file yet."""
    path = folder / "performance.json"
    return dict(json.loads(path.read_text())) if path.exists() else {"groups": {}}


def kept_of(stored: Mapping[str, Any]) -> dict[str, Readings]:
    """The readings of a stored file, by group."""
    return {
        name: Readings({who: tuple(values) for who, values in group["values"].items()}, group["missing"])
        for name, group in stored["groups"].items()
    }


def save(stored: Mapping[str, Any], page: str, folder: Path = DOCS) -> None:
    """Write both files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "performance.json").write_text(json.dumps(stored, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
    (folder / "performance.md").write_text(page)
