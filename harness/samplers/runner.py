"""Sampling while the load runs: one plain thread for each sampler, on the grid of whole monotonic seconds.

A slow or failing server cannot hold up another's samples, nor its own schedule: a failed sample is a row with the
reason, and ticks that pass while an answer is awaited are rows too. The schedule is computed from the grid, so it does
not drift.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Generic, Protocol

from harness.model.samples import ServerSample
from harness.samplers.base import FETCH_TIMEOUT_SECONDS, Raw, Sampler, describe
from harness.store.jsonl import encode

_STALE_PERIODS = 5
"""A counter's last value is compared with across gaps up to this many periods; then a rate would be no news."""
_LATEST_START = 0.5
"""A tick is still served this share of a period late, and missed after that."""
_STAGGER_SECONDS = 0.02
"""Each sampler's ticks come so much after the one's before, all within the second's beginning. At the same moment they
would wait for each other's turn in the interpreter, and that would be measured as the servers' slowness."""
_JOIN_SECONDS = 3 * FETCH_TIMEOUT_SECONDS


_PRIORITY = -10
"""The niceness of the samplers' threads, where it may be set: on a host that the servers fill they would be woken too
late, and exactly the seconds that say most would be gaps. All of them together take a few thousandths of a core."""


class Rows(Protocol):
    """Where rows go: ``harness.store.jsonl.Appender``."""

    def append(self, *values: object) -> None:
        """Append each value as a line."""


class SamplerLoop(Generic[Raw]):
    """The life of one sampler: wait for the tick, fetch, parse, record.

    offset_seconds: how long after the whole second its ticks come.
    wait: sleeps at most that many seconds, and says whether sampling has ended.
    cpu_clock: CPU seconds of the calling thread. A row's ``cost_seconds`` is the thread's CPU time since its row
    before, so that writing the rows is counted as well.
    """

    def __init__(
        self,
        sampler: Sampler[Raw],
        record: Callable[[ServerSample], None],
        *,
        offset_seconds: float,
        clock: Callable[[], float],
        wait: Callable[[float], bool],
        cpu_clock: Callable[[], float],
    ) -> None:
        self._sampler = sampler
        self._record = record
        self._offset_seconds = offset_seconds
        self._clock = clock
        self._wait = wait
        self._cpu_clock = cpu_clock
        self._previous: tuple[Raw, float] | None = None
        self._cost_mark_seconds = 0.0

    def run(self) -> None:
        """Sample until ``wait`` says that sampling has ended."""
        period = self._sampler.period_seconds
        self._cost_mark_seconds = self._cpu_clock()
        due = (math.floor(self._clock() / period) + 1) * period + self._offset_seconds
        try:
            while not self._ended_before(due):
                self._sample()
                due += period
                while (behind := self._clock() - due) > _LATEST_START * period:
                    self._record(self._row(due, {}, f"missed: {behind:.1f} s behind", 0.0))
                    due += period
        finally:
            self._sampler.close()

    def _ended_before(self, due: float) -> bool:
        while (left := due - self._clock()) > 0:
            if self._wait(left):
                return True
        return self._wait(0)

    def _sample(self) -> None:
        began = self._clock()
        values: dict[str, float] = {}
        gap = ""
        try:
            raw = self._sampler.fetch()
            # The server read its counters at some time while it was asked: the middle is the least wrong.
            read = (began + self._clock()) / 2
            before, elapsed = self._comparable(read)
            values = dict(self._sampler.parse(raw, before, elapsed))
            self._previous = (raw, read)
        except Exception as error:  # noqa: BLE001  # whatever went wrong is evidence, and the thread lives on
            gap = describe(error)
        spent = self._cpu_clock()
        cost, self._cost_mark_seconds = spent - self._cost_mark_seconds, spent
        self._record(self._row(began, values, gap, cost))

    def _row(self, at: float, values: dict[str, float], gap: str, cost: float) -> ServerSample:
        return ServerSample(at, self._sampler.source, values, gap, cost, self._sampler.period_seconds)

    def _comparable(self, read: float) -> tuple[Raw | None, float]:
        if self._previous is None:
            return None, 0.0
        raw, before = self._previous
        elapsed = read - before
        return (raw, elapsed) if elapsed <= _STALE_PERIODS * self._sampler.period_seconds else (None, 0.0)


def _first(run: Callable[[], None]) -> None:
    """In this thread, before others: Linux keeps a niceness for each thread."""
    with suppress(OSError):  # an ordinary user may only become nicer
        os.setpriority(os.PRIO_PROCESS, 0, _PRIORITY)
    run()


class Sampling:
    """All samplers of a run, writing ``ServerSample`` rows from ``start`` to ``stop``."""

    def __init__(
        self,
        samplers: Sequence[Sampler[Any]],
        rows: Rows,
        *,
        clock: Callable[[], float] = time.monotonic,
        cpu_clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self._rows = rows
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._latest: dict[str, ServerSample] = {}
        self._closed = False
        self._write_problem = ""
        self._threads = tuple(
            threading.Thread(
                target=_first,
                args=(
                    SamplerLoop(
                        sampler,
                        self._record,
                        offset_seconds=place * _STAGGER_SECONDS,
                        clock=clock,
                        wait=self._ended.wait,
                        cpu_clock=cpu_clock,
                    ).run,
                ),
                name=f"sampler-{sampler.source}",
                daemon=True,
            )
            for place, sampler in enumerate(samplers)
        )

    def start(self) -> None:
        """Start every sampler; the first samples come with the next whole second."""
        encode(ServerSample(0.0, "", {}))  # the first row is slow to encode (50 ms): not while others wait to write
        for thread in self._threads:
            thread.start()

    def stop(self) -> tuple[str, ...]:
        """End sampling and wait for the threads. Returns what went wrong, a sentence each; usually nothing."""
        self._ended.set()
        deadline = time.monotonic() + _JOIN_SECONDS
        for thread in self._threads:
            if thread.ident is not None:  # it was started
                thread.join(max(0.0, deadline - time.monotonic()))
        with self._lock:
            self._closed = True
            problems = [f"{thread.name} did not end" for thread in self._threads if thread.is_alive()]
            return (*problems, *([self._write_problem] if self._write_problem else []))

    def latest(self, source: str) -> ServerSample | None:
        """The newest row of that source, a gap included; None before the first."""
        with self._lock:
            return self._latest.get(source)

    def _record(self, row: ServerSample) -> None:
        with self._lock:
            if self._closed:
                return  # a thread that came back after the end must not write to a file that may be closed
            self._latest[row.source] = row
            try:
                self._rows.append(row)
            except OSError as error:
                self._write_problem = f"server samples could not be written: {describe(error)}"
