"""Where what is recorded goes: into the run directory's files, or into a batch that is sent to the master."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Protocol

from harness.store.jsonl import Appender, encode
from harness.store.layout import RunDirectory


class Lines(Protocol):
    """Something that values are appended to."""

    def append(self, *values: object) -> None:
        """Append each value as a line."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The kinds of rows that a generator makes, by the names of their files."""

    requests: Lines
    generator: Lines
    events: Lines
    acknowledged: Lines
    jobs: Lines


KINDS = tuple(field.name for field in fields(Evidence))


def files_of(run: RunDirectory) -> dict[str, Appender]:
    """The files of the run directory, by kind. Raises OSError."""
    return {kind: Appender(getattr(run, kind)) for kind in KINDS}


class Batch:
    """Lines that wait to be sent. They are encoded when they come, so that the work is spread over the second.

    translated: each value as it is to be told, its times on the reader's clock.
    """

    def __init__(self, translated: Callable[[object], object]) -> None:
        self._lines: list[bytes] = []
        self._translated = translated

    def append(self, *values: object) -> None:
        """Append each value as a line."""
        self._lines += [encode(self._translated(value)) + b"\n" for value in values]

    def take(self) -> bytes:
        """The lines since the last call."""
        lines, self._lines = self._lines, []
        return b"".join(lines)


def take_all(batches: Mapping[str, Batch]) -> dict[str, bytes]:
    """What waits in each batch, by kind; kinds without any are left out."""
    return {kind: lines for kind, batch in batches.items() if (lines := batch.take())}
