"""What a sampler is, and the arithmetic that all of them share.

A sampler has two halves: ``fetch`` asks the server and does nothing else, ``parse`` turns what it answered into
values and is pure, so that it is tested against recorded answers. Counters are differenced here, once; whatever
cannot be known (the first sample, a counter that went back to zero) is left out and never becomes a zero.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, TypeVar

Raw = TypeVar("Raw")

FETCH_TIMEOUT_SECONDS = 2.0
"""How long one answer may take. Longer than a second, since a loaded server that answers late still tells something;
the ticks that pass meanwhile are gaps."""

_MESSAGE_LENGTH = 120
_SECRETS = (
    (re.compile(r"(\w+://)[^\s/@]*@"), r"\1…@"),
    (re.compile(r"(?i)(pass(?:word|wd)?\s*[=:]\s*)(?:'[^']*'|\"[^\"]*\"|\S+)"), r"\1…"),
)


class Sampler(Protocol[Raw]):
    """One source of server samples."""

    @property
    def source(self) -> str:
        """The ``ServerSample.source`` of its rows."""

    @property
    def period_seconds(self) -> float:
        """Time from one sample to the next."""

    def fetch(self) -> Raw:
        """Ask the server, within ``FETCH_TIMEOUT_SECONDS`` or so. Raises anything; the next call starts afresh."""

    def parse(self, raw: Raw, previous: Raw | None, elapsed_seconds: float) -> Mapping[str, float]:
        """The values of this sample, rates since the previous one included. Pure."""

    def close(self) -> None:
        """Let go of files and connections."""


def per_second(now: float, before: float | None, elapsed_seconds: float) -> float | None:
    """The rate of a counter; None when it cannot be known: no sample before, no time between, or a restart."""
    if before is None or now < before or elapsed_seconds <= 0:
        return None
    return (now - before) / elapsed_seconds


def share(part: float | None, whole: float | None) -> float | None:
    """part ÷ whole; None when either is unknown or the whole is nothing."""
    return None if part is None or not whole else part / whole


def growth(now: float, before: float) -> float | None:
    """How much a counter grew; None after a restart."""
    return None if now < before else now - before


def known(values: Mapping[str, float | None]) -> dict[str, float]:
    """Only what is known: a value that could not be measured is left out."""
    return {key: float(value) for key, value in values.items() if value is not None and math.isfinite(value)}


def describe(error: BaseException) -> str:
    """An error as the reason of a gap: its type and the first line of its message, without any password."""
    line = str(error).strip().partition("\n")[0].encode(errors="replace").decode()  # a path may hold half a character
    for pattern, replacement in _SECRETS:
        line = pattern.sub(replacement, line)
    if len(line) > _MESSAGE_LENGTH:
        line = line[: _MESSAGE_LENGTH - 1] + "…"
    name = type(error).__name__
    return f"{name}: {line}" if line else name


class KernelFile:
    """A file of /proc or /sys/fs/cgroup, kept open: reading it anew from its start costs no path lookup."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def read(self, until: Callable[[bytes], bool] = lambda chunk: False, chunk_bytes: int = 65536) -> bytes:
        """The file as it is now: all of it, or up to the first chunk of which ``until`` holds. Raises OSError."""
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            chunks: list[bytes] = []
            offset = 0
            while chunk := os.pread(self._descriptor, chunk_bytes, offset):
                chunks.append(chunk)
                offset += len(chunk)
                if until(chunk):
                    break
        except OSError:
            self.close()
            raise
        return b"".join(chunks)

    def read_if_there(self) -> bytes | None:
        """The whole file, or None where this kernel has no such file or refuses to say."""
        try:
            return self.read()
        except OSError:
            return None

    def close(self) -> None:
        """Close the file; the next read opens it again."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def keyed_numbers(text: bytes) -> dict[str, int]:
    """Lines of a name and a whole number, as in cpu.stat, memory.stat and /proc/meminfo (``MemTotal: 1 kB`` → 1)."""
    numbers: dict[str, int] = {}
    for line in text.decode().splitlines():
        words = line.split()
        if len(words) >= 2:
            numbers[words[0].rstrip(":")] = int(words[1])
    return numbers
