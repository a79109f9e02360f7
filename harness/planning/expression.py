"""Small arithmetic over a plan's figures: ``stages.A.load.concurrent_share * (stages.A.audience.students + 300)``.

    sum      = product (("+" | "-") product)*
    product  = part (("*" | "/") part)*
    part     = number | 'quantity' | path | formula "(" sum ("," sum)* ")" | "(" sum ")"

A path names a figure (``harness.planning.paths``); ``.low`` or ``.high`` after it takes one end of a range. A range is
calculated with as an interval: the result runs from the least to the most that its parts allow. Everything is in base
units; a unit is known as long as units are only added to their like, and multiplied or divided by mere numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from harness.model.figure import Citation, Figure, Provenance
from harness.model.units import Unit, format_quantity, parse_quantity
from harness.planning.formulas import FORMULAS, Formula

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<quantity>'[^']*')
    | (?P<path>[A-Za-z_][\w-]*(?:\.[\w-]+)+)
    | (?P<name>[A-Za-z_]\w*)
    | (?P<number>[0-9][0-9_]*(?:\.[0-9]+)?)
    | (?P<sign>[-+*/(),])
    )""",
    re.VERBOSE,
)
_SIGNS = {"+": "+", "-": "−", "*": "×", "/": "÷"}
_NUMBERS = (Unit.COUNT, Unit.RATIO, Unit.FACTOR)
_MEBIBYTE = 1024**2
_DECIMAL = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("KB", 1e3))
_SMALL = 0.01
_LARGE = 100
_PLAIN = {Unit.COUNT: "", Unit.PER_SECOND: "/s", Unit.FACTOR: "×"}
_FORMULAS: Mapping[str, Formula] = {formula.name: formula for formula in FORMULAS}


@dataclass(frozen=True, slots=True)
class Value:
    """What an expression comes to.

    unit: None when it is no longer known. text: the arithmetic with its numbers. binding: how firmly its parts hold
    together, for brackets. figures, formulas: what went into it.
    """

    low: float
    high: float
    unit: Unit | None
    text: str
    binding: int = 3
    figures: tuple[Figure, ...] = ()
    formulas: tuple[str, ...] = ()

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Of its figures, each once."""
        return tuple(dict.fromkeys(figure.citation for figure in self.figures))

    @property
    def assumed(self) -> bool:
        """Whether any of its figures is not the plan's own."""
        return any(figure.provenance is Provenance.ASSUMED for figure in self.figures)

    @property
    def is_calculated(self) -> bool:
        """More than one figure or number."""
        return self.binding < 3 or bool(self.formulas)

    def shown(self, unit: Unit) -> str:
        """The result as a person reads it."""
        return range_text(self.low, self.high, unit)


def range_text(low: float, high: float, unit: Unit) -> str:
    """``80/s``, or ``50/s to 80/s``."""
    text, top = _text(low, unit), _text(high, unit)
    return text if text == top else f"{text} to {top}"


def _text(value: float, unit: Unit) -> str:
    """In powers of ten what a plan counts in them: its 3 GB are 3 GB, not 2.8 GiB; and rates in one unit."""
    if not math.isfinite(value):
        return format_quantity(value, unit)
    if unit is Unit.BYTES and value % _MEBIBYTE:
        scale = next((scale for scale in _DECIMAL if value >= scale[1]), ("B", 1.0))
        return f"{value / scale[1]:,.4g} {scale[0]}"
    if unit in _PLAIN and value != int(value) and _SMALL <= value < _LARGE:
        return f"{value:,.3g}{_PLAIN[unit]}"
    return format_quantity(value, unit)


def evaluate(expression: str, figure_of: Callable[[str], Figure]) -> Value:
    """The value of an expression. Raises ValueError, in words, for what cannot be read or calculated; what
    ``figure_of`` raises for a path that it does not know is passed on."""
    parser = _Parser(expression, figure_of)
    value = parser.sum()
    parser.end()
    return value


def paths_in(expression: str) -> Iterator[str]:
    """The paths that an expression names, without ``.low`` and ``.high``; whatever else is wrong with it."""
    for match in _TOKEN.finditer(expression):
        if path := match["path"]:
            yield whole_path(path)


def whole_path(path: str) -> str:
    """Without the end of a range that it takes."""
    return path.removesuffix(".low").removesuffix(".high")


class _Parser:
    """Reads and calculates in one pass."""

    def __init__(self, text: str, figure_of: Callable[[str], Figure]) -> None:
        self._text = text
        self._figure_of = figure_of
        self._tokens = list(self._split(text))
        self._next = 0

    @staticmethod
    def _split(text: str) -> Iterator[tuple[str, str]]:
        place = 0
        while text[place:].strip():
            match = _TOKEN.match(text, place)
            if match is None:
                raise ValueError(f'cannot read "{text[place:].strip()}"')
            kind = match.lastgroup or ""
            yield kind, match[kind]
            place = match.end()

    def sum(self) -> Value:
        value = self._product()
        while (sign := self._take("+", "-")) is not None:
            value = _added(value, sign, self._product())
        return value

    def end(self) -> None:
        if self._next < len(self._tokens):
            raise ValueError(f'"{self._tokens[self._next][1]}" is one too many in "{self._text}"')

    def _product(self) -> Value:
        value = self._part()
        while (sign := self._take("*", "/")) is not None:
            value = _multiplied(value, sign, self._part())
        return value

    def _part(self) -> Value:
        if self._next >= len(self._tokens):
            raise ValueError(f'"{self._text}" ends too early')
        kind, text = self._tokens[self._next]
        self._next += 1
        if kind == "number":
            number = float(text)
            return Value(number, number, Unit.COUNT, format_quantity(number, Unit.COUNT))
        if kind == "quantity":
            quantity = parse_quantity(text.strip("'"))
            high = quantity.value if quantity.high is None else quantity.high
            return Value(quantity.value, high, quantity.unit, text.strip("'"))
        if kind == "path":
            return self._figure(text)
        if kind == "name":
            return self._formula(text)
        if kind == "sign" and text == "(":
            value = self.sum()
            self._expect(")")
            return value
        raise ValueError(f'"{text}" stands where a number should in "{self._text}"')

    def _figure(self, path: str) -> Value:
        figure = self._figure_of(whole_path(path))
        low, high = figure.value, figure.top
        if path.endswith(".low"):
            high = low
        elif path.endswith(".high"):
            low = high
        text = range_text(low, high, figure.unit).replace(" to ", "–")
        return Value(low, high, figure.unit, text, figures=(figure,))

    def _formula(self, name: str) -> Value:
        formula = _FORMULAS.get(name)
        if formula is None:
            raise ValueError(f'no formula is called "{name}"; known are {", ".join(_FORMULAS)}')
        self._expect("(")
        values = [self.sum()]
        while self._take(",") is not None:
            values.append(self.sum())
        self._expect(")")
        if len(values) != len(formula.arguments):
            raise ValueError(f"{name} takes {len(formula.arguments)} numbers: {', '.join(formula.arguments)}")
        try:
            corners = [formula.function(*ends) for ends in product(*({value.low, value.high} for value in values))]
        except ArithmeticError as error:
            raise ValueError(f"{name}({', '.join(value.text for value in values)}): {error}") from error
        return Value(
            min(corners),
            max(corners),
            formula.unit,
            formula.written(*(value.text if value.binding == 3 else f"({value.text})" for value in values)),
            binding=1,
            figures=tuple(figure for value in values for figure in value.figures),
            formulas=(*(each for value in values for each in value.formulas), f"{formula.text} ({formula.source})"),
        )

    def _take(self, *signs: str) -> str | None:
        if self._next < len(self._tokens) and self._tokens[self._next] in [("sign", sign) for sign in signs]:
            self._next += 1
            return self._tokens[self._next - 1][1]
        return None

    def _expect(self, sign: str) -> None:
        if self._take(sign) is None:
            raise ValueError(f'a "{sign}" is missing in "{self._text}"')


def _added(left: Value, sign: str, right: Value) -> Value:
    if not comparable(left.unit, right.unit):
        raise ValueError(f"{left.text} {_SIGNS[sign]} {right.text}: {left.unit} and {right.unit} cannot be added")
    unit = left.unit if left.unit is right.unit else Unit.COUNT if None not in (left.unit, right.unit) else None
    if sign == "+":
        low, high = left.low + right.low, left.high + right.high
    else:
        low, high = left.low - right.high, left.high - right.low
    # A difference's right side keeps its brackets: a − (b + c).
    text = f"{left.text} {_SIGNS[sign]} {_bracketed(right, 1 if sign == '+' else 2)}"
    return Value(low, high, unit, text, 1, left.figures + right.figures, left.formulas + right.formulas)


def _multiplied(left: Value, sign: str, right: Value) -> Value:
    if sign == "/":
        if right.low <= 0 <= right.high:
            raise ValueError(f"{left.text} ÷ {right.text}: division by zero")
        ends = [a / b for a in (left.low, left.high) for b in (right.low, right.high)]
    else:
        ends = [a * b for a in (left.low, left.high) for b in (right.low, right.high)]
    text = f"{_bracketed(left, 2)} {_SIGNS[sign]} {_bracketed(right, 2 if sign == '*' else 3)}"
    unit = _unit_of_product(left.unit, sign, right.unit)
    return Value(min(ends), max(ends), unit, text, 2, left.figures + right.figures, left.formulas + right.formulas)


def _unit_of_product(left: Unit | None, sign: str, right: Unit | None) -> Unit | None:
    if left is None or right is None:
        return None
    if left in _NUMBERS and right in _NUMBERS:
        return Unit.COUNT
    if right in _NUMBERS:
        return left
    if sign == "*" and left in _NUMBERS:
        return right
    return Unit.COUNT if sign == "/" and left is right else None


def _bracketed(value: Value, least: int) -> str:
    return value.text if value.binding >= least else f"({value.text})"


def comparable(left: Unit | None, right: Unit | None) -> bool:
    """Whether two results may be compared: of one unit, both mere numbers, or one of an unknown unit."""
    return left is right or left is None or right is None or (left in _NUMBERS and right in _NUMBERS)
