"""What a study hands over: a table of what was found against what is true."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

SEED = 2026


@dataclass(frozen=True, slots=True)
class Row:
    """One line. reached: whether what is required was found; None where nothing is required, only shown."""

    cells: tuple[str, ...]
    required: str = ""
    reached: bool | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One question with its answer.

    truth: where the truth comes from. notes: what a reader must know to read it. figures: single numbers, for whoever
    reads the JSON.
    """

    title: str
    truth: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if any(len(row.cells) != len(self.columns) for row in self.rows):
            raise ValueError(f"{self.title}: each row has {len(self.columns)} cells")

    @property
    def reached(self) -> bool:
        """Whether everything that is required was found."""
        return all(row.reached is not False for row in self.rows)


@dataclass(frozen=True, slots=True)
class Study:
    """A study by its name. run: makes the table; its argument is the number of simulated runs of each case."""

    name: str
    run: Callable[[int], Table]
    runs: int


def percent(share: float) -> str:
    """A share for the table: ``94.7 %``."""
    return f"{share * 100:.1f} %"
