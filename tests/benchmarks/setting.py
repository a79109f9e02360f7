"""Where and how long the bench measures."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Setting:
    """seconds: of each measurement. warm_seconds: before it. server_core, generator_core: different ones; None where
    the machine has a single core, which then shares. folder: for logs and run directories. small: the self-test's
    sizes, a fraction of the real ones."""

    folder: Path
    seconds: float = 5.0
    warm_seconds: float = 1.0
    server_core: int | None = None
    generator_core: int | None = None
    small: bool = False
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def path(self, name: str) -> Path:
        """A name in the folder that nobody else has."""
        return self.folder / f"{next(self._numbers):04d}-{name}"


def two_cores() -> tuple[int | None, int | None]:
    """A core for the servers and another for the generators, of those that this process may use."""
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[1]) if len(allowed) > 1 else (None, None)
