"""The small parts that a system's file is made of: quantities, rows with a source, tables of figures and of sentences.

A row of figures is ``name = { is = "50-80/s", quote = "Peak RPS: 50-80" }``, or just ``name = "50-80/s"``. It is
*stated* unless it has ``derived`` (its arithmetic) or ``assumed`` (its reason). Its citation is its own ``cite`` or,
left out, the ``cite`` of the table that it stands in; so are ``check`` (how it is checked) and ``why``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator, model_validator

from harness.model.figure import Citation, Figure, Provenance, Statement
from harness.model.target import Check, Coverage
from harness.model.units import Quantity, parse_quantity

GROUP_WORDS = ("cite", "check", "why", "title")
"""Keys of a table of figures that are no figures."""
WORDS_ALONE = "words without a number"


def _quantity(value: object) -> Quantity:
    if isinstance(value, Quantity):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError('write a number and a unit in quotes, such as "80/s" or "1 GiB"')
    return parse_quantity(str(value))


def wrap(key: str, value: object) -> object:
    """The short form of a row is its one value."""
    return value if isinstance(value, dict) else {key: value}


def inherit(group: object, row: object) -> object:
    """A row without a value of its own takes the table's: of ``cite``, and of ``check`` with its ``why``."""
    if not isinstance(group, dict) or not isinstance(row, dict):
        return row
    keys = ["cite"] if "check" in row or "why" in row else ["cite", "check", "why"]
    return {key: group[key] for key in keys if key in group} | row


AQuantity = Annotated[
    Quantity,
    BeforeValidator(_quantity),
    WithJsonSchema({"type": "string", "examples": ["80/s", "50-80/s", "1 GiB", "500 ms", "70 %", "3,000 count"]}),
]
Text = Annotated[str, Field(min_length=1)]


class Table(BaseModel):
    """Anything in braces: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Checked(Table):
    """Anything that says how it is checked."""

    check: Check | None = None
    why: str = ""

    @model_validator(mode="after")
    def _reason(self) -> Any:
        if self.check in (Check.MODELLED, Check.STATED_ONLY) and not self.why:
            raise ValueError(f'check = "{self.check}" needs a reason: why = "…"')
        if self.check is None and self.why:
            raise ValueError('why stands beside check = "…"')
        return self


class Row(Checked):
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

    def part(self, name: str, quantity: Quantity | None, document: str, stage: str, note: str = "") -> Figure | None:
        """One of the row's numbers as a value of the model."""
        if quantity is None:
            return None
        why = self.derived or self.assumed or note
        citation = self.citation(document, stage)
        return Figure(name, quantity.value, quantity.unit, self.provenance, citation, quantity.high, why)


class FigureRow(Row):
    """One number."""

    is_: AQuantity = Field(alias="is")
    note: str = ""

    def figure(self, name: str, document: str, stage: str) -> Figure:
        """As a value of the model."""
        figure = self.part(name, self.is_, document, stage, self.note)
        assert figure is not None
        return figure


class FigureTable(Table):
    """Figures by name."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, FigureRow]

    cite: Text | None = None
    check: Check | None = None
    why: str = ""
    title: str = ""

    @model_validator(mode="before")
    @classmethod
    def _spread(cls, raw: object) -> object:
        if not isinstance(raw, dict):
            return raw
        return {name: row if name in GROUP_WORDS else inherit(raw, wrap("is", row)) for name, row in raw.items()}

    def rows(self) -> Iterator[tuple[str, FigureRow]]:
        """Name and row, in the order of the file."""
        yield from self.__pydantic_extra__.items()

    def figures(self, document: str, stage: str) -> tuple[Figure, ...]:
        """In the order of the file."""
        return tuple(row.figure(name, document, stage) for name, row in self.rows())


NO_FIGURES = FigureTable.model_validate({})


class StatementRow(Checked):
    """One sentence."""

    text: Text
    cite: Text
    quote: str = ""

    def statement(self, document: str) -> Statement:
        """As a value of the model."""
        return Statement(self.text, Citation(document, self.cite, self.quote))

    def coverage(self, path: str, document: str) -> Coverage:
        """How it is checked: as words are, unless it says otherwise."""
        known = self.statement(document)
        check, why = (self.check, self.why) if self.check else (Check.STATED_ONLY, WORDS_ALONE)
        return Coverage(path, known.text, None, known.citation, check, why)


class StatementTable(Table):
    """Sentences of one section."""

    cite: Text | None = None
    check: Check | None = None
    why: str = ""
    items: list[StatementRow] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _spread(cls, raw: object) -> object:
        if not isinstance(raw, dict) or not isinstance(raw.get("items"), list):
            return raw
        return {**raw, "items": [inherit(raw, wrap("text", row)) for row in raw["items"]]}

    def statements(self, document: str) -> tuple[Statement, ...]:
        """In the order of the file."""
        return tuple(row.statement(document) for row in self.items)

    def coverage(self, path: str, document: str) -> Iterator[Coverage]:
        """In the order of the file."""
        for index, row in enumerate(self.items):
            yield row.coverage(f"{path}.items[{index}]", document)
