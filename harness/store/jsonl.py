"""Values to JSON and back: whole files and append-only lines.

The shape of a file is the shape of its dataclass; pydantic does the conversion and the checking.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from pydantic import TypeAdapter, ValidationError

from harness.errors import CorruptRun

T = TypeVar("T")


_NO_JSON = "json_invalid"
"""Pydantic's word for a text that is no JSON at all, as a torn line is none."""

_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:
    """The converter of that kind, made once: making one takes longer than a thousand conversions."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def encode(value: object, *, indent: int | None = None) -> bytes:
    """The value as JSON. Its numbers are finite: JSON has no others, and rows leave out what was not measured."""
    return _adapter(type(value)).dump_json(value, indent=indent)


def decode(kind: type[T], text: bytes | str) -> T:
    """The value of that kind. Raises pydantic's ValidationError."""
    value: T = _adapter(kind).validate_json(text)
    return value


def write_whole(path: Path, value: object) -> None:
    """Write one value as a file, in one step: a reader sees the old file or the new one."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(encode(value, indent=1) + b"\n")
    part.replace(path)


def read_whole(path: Path, kind: type[T]) -> T:
    """Read one value. Raises CorruptRun when it is missing or not of that kind."""
    try:
        return decode(kind, path.read_bytes())
    except FileNotFoundError as error:
        raise CorruptRun(f"{path.name} is missing", str(path), "is this a run directory?") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise CorruptRun(f"{path.name} cannot be read: {first['msg']}", f"{path} › {place}") from error


class Appender:
    """Appends values as lines. Each line is one write to a file opened for appending, so that lines of several
    processes never mix and a crash loses at most the line being written."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._torn = False

    def append(self, *values: object) -> None:
        """Append each value as a line, all in one write.

        Raises OSError, a full disk's above all. The kernel may have taken a part by then: what is appended after it
        begins on a line of its own, and readers leave the torn one out.
        """
        self.append_lines(b"".join(encode(value) + b"\n" for value in values))

    def append_lines(self, text: bytes) -> None:
        """Append whole lines that another process has encoded. Raises OSError as ``append`` does."""
        if not text:
            return
        lines = memoryview((b"\n" if self._torn else b"") + text)
        while lines:
            written = os.write(self._descriptor, lines)
            lines = lines[written:]
            self._torn = len(lines) > 0

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_lines(path: Path, kind: type[T]) -> Iterator[T]:
    """Every whole line of the file; a missing file is an empty one.

    A line cut off at the end is left out, and so is one that was torn in the middle (by a disk that was full for a
    while). Raises CorruptRun, with the line's number, for a whole line that is not of that kind.
    """
    if not path.exists():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                yield decode(kind, line)
            except ValidationError as error:
                problem: Any = error.errors()[0]
                if problem["type"] == _NO_JSON:
                    continue
                raise CorruptRun(f"{path.name}: {problem['msg']}", f"{path}:{number}") from error


class Tail(Generic[T]):
    """Follows a file of lines that another process appends to: each call gives what has come since the last.

    For showing what goes on: a line that cannot be read is passed over here, and left to whoever judges the run.
    """

    def __init__(self, path: Path, kind: type[T]) -> None:
        self._path = path
        self._kind = kind
        self._offset = 0

    def read(self) -> tuple[T, ...]:
        """The whole lines that have been added; a line still being written is left for the next call."""
        try:
            with self._path.open("rb") as stream:
                stream.seek(self._offset)
                text = stream.read()
        except FileNotFoundError:
            return ()
        whole = text[: text.rfind(b"\n") + 1]
        self._offset += len(whole)
        found = []
        for line in whole.splitlines():
            with suppress(ValidationError):
                found.append(decode(self._kind, line))
        return tuple(found)
