"""Parameters of a server as fields of a dataclass that also say how a command line spells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Option:
    """``--flag VALUE``; the field holds VALUE × scale, since inside everything is in seconds and shares of one."""

    flag: str
    help: str
    scale: float = 1.0


def count(flag: str, default: int, text: str) -> Any:
    """A field that is a whole number."""
    return field(default=default, metadata={"option": Option(flag, text)})


def number(flag: str, default: float, text: str) -> Any:
    """A field that is any number: a share, a factor, seconds."""
    return field(default=default, metadata={"option": Option(flag, text)})


def milliseconds(flag: str, default_seconds: float, text: str) -> Any:
    """A field in seconds that people give in milliseconds."""
    return field(default=default_seconds, metadata={"option": Option(flag, text, 0.001)})


def options_of(parameters: type) -> tuple[tuple[Field[Any], Option], ...]:
    """Each field of the dataclass with its option."""
    return tuple((each, each.metadata["option"]) for each in fields(parameters))


def given(parameters: type, values: Mapping[str, float]) -> dict[str, float]:
    """The fields' values for what was given on a command line, by the fields' names.

    Whole numbers stay whole.
    """
    scales = {each.name: option.scale for each, option in options_of(parameters)}
    return {name: value if scales[name] == 1 else value * scales[name] for name, value in values.items()}


def at_least(limit: float, **values: float) -> None:
    """Raises ValueError for the first value below the limit."""
    for name, value in values.items():
        if value < limit:
            raise ValueError(f"{name} is {value:g}, and cannot be below {limit:g}")


def above_zero(**values: float) -> None:
    """Raises ValueError for the first value that is not positive."""
    for name, value in values.items():
        if value <= 0:
            raise ValueError(f"{name} is {value:g}, and has to be above 0")


def share(**values: float) -> None:
    """Raises ValueError for the first value that is no share of one."""
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} is {value:g}, and a share lies between 0 and 1")
