"""Waking greenlets at a moment, to within some tens of microseconds.

The event loop's own timer has a granularity of a millisecond (epoll takes whole ones, and gevent rounds up): an arrival
of the schedule, or the next step of a session, would start 0.7 ms late on average, and that would be reported as the
system's response time. Linux' timerfd(2) is a descriptor that becomes readable at the nanosecond it was set to, so the
loop is woken by it as by any socket. One descriptor serves all sleepers, set to the earliest of them.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import time
from heapq import heappop, heappush
from typing import Any

from gevent import getcurrent
from gevent.hub import get_hub

_CLOCK_MONOTONIC = 1
_NONBLOCK = os.O_NONBLOCK | os.O_CLOEXEC
_ABSOLUTE = 1
_READABLE = 1
_FIRST = 2
"""libev's highest priority: what is due comes before what has just been received."""


class _Time(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Setting(ctypes.Structure):
    """struct itimerspec: the period (0: once) and the moment (0: never)."""

    _fields_ = (("period", _Time), ("moment", _Time))


class Alarm:
    """Wakes the greenlets of one thread. Raises OSError when there is no descriptor left for it."""

    def __init__(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK)
        if self._descriptor < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        self._settime = libc.timerfd_settime
        self._setting = _Setting()
        self._reference = ctypes.byref(self._setting)
        # A greenlet's turn is a list of it alone, and empty when it was killed meanwhile. gevent's Waiter does the
        # same, with half a kilobyte of stack for each that waits.
        self._sleepers: list[tuple[float, int, list[Any]]] = []
        self._count = 0
        self._moment = 0.0
        self._turns: list[list[Any]] = []
        self._hub: Any = get_hub()
        self._soon = self._hub.loop.run_callback
        self._watcher = self._hub.loop.io(self._descriptor, _READABLE, priority=_FIRST)
        self._watcher.start(self._ring)

    def sleep_until(self, monotonic_seconds: float) -> None:
        """Let others run until that moment of CLOCK_MONOTONIC; once, when it has passed.

        Not at all would be unfair, and slower too: who goes on sending as soon as it has received keeps the server
        waking up for single requests, instead of getting a batch of them.
        """
        turn = [getcurrent()]
        if monotonic_seconds <= time.monotonic():
            turns = self._turns
            if not turns:
                self._soon(self._next_turn)  # one callback of the loop for all who let others run
            turns.append(turn)
        else:
            sleepers = self._sleepers
            self._count += 1  # breaks ties
            heappush(sleepers, (monotonic_seconds, self._count, turn))
            if sleepers[0][2] is turn:
                self._set(monotonic_seconds)
        try:
            self._hub.switch()
        except BaseException:  # killed
            turn.clear()
            raise

    def _next_turn(self) -> None:
        turns, self._turns = self._turns, []
        for turn in turns:
            self._wake(turn)

    def _wake(self, turn: list[Any]) -> None:
        if turn:
            try:
                turn[0].switch()
            except BaseException:  # noqa: BLE001  # the hub knows which of them end the program
                self._hub.handle_error(turn, *sys.exc_info())

    def _ring(self) -> None:
        """In the hub: wake everybody whose moment has come, and set the next one.

        Setting it clears the descriptor too. Those who were woken have often set it by then, so when nobody sleeps it
        is left as it is: it rings once more if it really was the last, and then is read, which is a call less for
        each arrival of a schedule.
        """
        now = time.monotonic()
        sleepers = self._sleepers
        if not sleepers:
            with contextlib.suppress(BlockingIOError):
                os.read(self._descriptor, 8)
            return
        while sleepers and sleepers[0][0] <= now:
            self._wake(heappop(sleepers)[2])
        if sleepers and sleepers[0][0] != self._moment:
            self._set(sleepers[0][0])

    def _set(self, moment: float) -> None:
        self._moment = moment
        whole = int(moment)
        self._setting.moment.seconds = whole
        self._setting.moment.nanoseconds = int((moment - whole) * 1e9)
        self._settime(self._descriptor, _ABSOLUTE, self._reference, None)

    def close(self) -> None:
        """Give the descriptor back; nobody may be asleep."""
        self._watcher.close()
        os.close(self._descriptor)
