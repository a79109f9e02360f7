"""Ctrl-C and SIGTERM while a run or a stack is up."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from harness.experiment.settings import StopRequest


@contextmanager
def stopped_by_signals(stop: StopRequest) -> Iterator[None]:
    """Ctrl-C and SIGTERM ask the run to end; a second Ctrl-C does not wait for the drain."""

    def ask(number: int, _: FrameType | None) -> None:
        if stop.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.ask("Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name)

    previous = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
