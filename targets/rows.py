"""What all tables of a system's file share: quantities, short forms, and where a row stands in the document."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from harness.model.figure import Citation, Provenance
from harness.model.plan import LevelName
from harness.model.units import Quantity, parse_quantity
from targets.hints import did_you_mean
from targets.vocabulary import SLIS, Sli

SLI_BY_NAME: dict[str, Sli] = {sli.name: sli for sli in SLIS}


def _quantity(value: object) -> Quantity:
    if isinstance(value, Quantity):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError('write a number and a unit in quotes, such as "80/s" or "1 GiB"')
    return parse_quantity(str(value))


def wrap(key: str, value: object) -> object:
    """The short form of a row is its one value."""
    return value if isinstance(value, dict) else {key: value}


def inherit(key: str, group: object, rows: object) -> object:
    """Rows of a table without a value of their own take the table's."""
    if isinstance(group, dict) and key in group and isinstance(rows, dict) and key not in rows:
        return {**rows, key: group[key]}
    return rows


AQuantity = Annotated[Quantity, BeforeValidator(_quantity)]
Text = Annotated[str, Field(min_length=1)]


class Table(BaseModel):
    """A table of the file; unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Row(Table):
    """Anything with a source in the document."""

    cite: Text
    quote: str = ""
    derived: Text | None = None
    assumed: Text | None = None

    @field_validator("assumed")
    @classmethod
    def _one_provenance(cls, value: str | None, info: Any) -> str | None:
        if value is not None and info.data.get("derived") is not None:
            raise ValueError("a figure is derived or assumed, not both")
        return value

    @property
    def provenance(self) -> Provenance:
        """Stated, unless the row says otherwise."""
        if self.derived is not None:
            return Provenance.DERIVED
        return Provenance.STATED if self.assumed is None else Provenance.ASSUMED

    def citation(self, document: str, stage: str) -> Citation:
        """Where the document says it; ``{stage}`` in the path stands for the stage's own heading."""
        return Citation(document, self.cite.replace("{stage}", stage), self.quote)


def known_sli(name: str) -> str:
    """The name. Raises ValueError, with a guess, when nothing is measured under it."""
    if name not in SLI_BY_NAME:
        raise ValueError(f'no SLI is called "{name}"{did_you_mean(name, SLI_BY_NAME)}')
    return name


def known_levels(names: list[str]) -> list[str]:
    """The names. Raises ValueError for an unknown level or one that stands twice."""
    for name in names:
        if name not in tuple(LevelName):
            raise ValueError(f'no level is called "{name}"{did_you_mean(name, tuple(LevelName))}')
        if names.count(name) > 1:
            raise ValueError(f'the level "{name}" stands twice')
    return names
