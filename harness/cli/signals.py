"""Ctrl-C, SIGTERM and a closed terminal while a run or a stack is up."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from harness.experiment.settings import StopRequest

_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGHUP: "the terminal was closed"}


@contextmanager
def stopped_by_signals(stop: StopRequest) -> Iterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP ask the run to end.

    A second Ctrl-C does not wait for the drain, the database and the report; any further one changes nothing, since
    only the servers are still being stopped, which has a bounded end. Under ``nohup`` a closed terminal ends nothing.
    """
    terminals = [descriptor for descriptor in (1, 2) if os.isatty(descriptor)]
    hurried = False

    def ask(number: int, _: FrameType | None) -> None:
        nonlocal hurried
        if number == signal.SIGHUP:
            _let_go(terminals)
        if stop.asked and number == signal.SIGINT and not hurried:
            hurried = True
            raise KeyboardInterrupt
        stop.ask(_NAMES.get(signal.Signals(number), signal.Signals(number).name))

    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    previous = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _let_go(descriptors: list[int]) -> None:
    """Nobody reads there any more, and whoever writes would fail: from now on it goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in descriptors:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
