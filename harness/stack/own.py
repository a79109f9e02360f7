"""What a stack of ours is told, whichever way its servers are started."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Self

from harness.model.sizing import StackSize
from harness.planning.sizing import Audience
from harness.stack.endpoints import Running
from harness.stack.ledger import LedgerFile
from harness.store.layout import RunDirectory


class OwnStack(ABC):
    """One run's stack. ``start`` brings it up or leaves nothing; ``stop`` may be called at any time, and again."""

    def __init__(
        self,
        run: RunDirectory,
        size: StackSize,
        *,
        audience: Audience,
        seed: int,
        report: Callable[[str], None],
        port: int | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """check: called again and again during the start; what it raises ends the start, and nothing is left."""
        self._run = run
        self._size = size
        self._audience = audience
        self._seed = seed
        self._report = report
        self._port = port
        self._check = check
        self._ledger: LedgerFile | None = None

    @abstractmethod
    def start(self) -> Running:
        """Start every server, wait until all answer, and read back their sizes."""

    @abstractmethod
    def stop(self) -> None:
        """End everything that was started and remove its data; logs stay."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
