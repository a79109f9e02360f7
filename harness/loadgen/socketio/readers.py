"""Many connections, one watcher: an epoll of our own inside the event loop's.

A watcher of the event loop for each connection would be some hundred bytes and a bound method, and a way from C to
Python for each that has something to read. Here all of them are in one epoll(7), which is itself a descriptor that the
loop watches: readable when any of them is.
"""

from __future__ import annotations

from typing import Final

import gevent
from gevent.monkey import get_original

from harness.loadgen.each_loop import OneForEachLoop

_READ: Final = 1
_ENDED: Final = 0x2000
"""EPOLLRDHUP: the other side has said its last."""

_EDGES: Final = 1 << 31
"""EPOLLET: tell once that bytes have come. Told of their level instead, the kernel looks at each connection twice."""

_AT_ONCE: Final = 64
"""Connections read before the loop comes to anything else: a timer waits half a millisecond at most. Those still to be
told of leave the epoll readable."""

_epoll: Final = get_original("select", "epoll")


class Reader:
    """Who is told that bytes have come."""

    def read(self, now: float, to_the_end: bool) -> None:
        """Take all that has come, without waiting; now: the loop's time. Must not raise.

        What is left is not told of again, until more comes. to_the_end: nothing more will: read until that shows.
        """
        raise NotImplementedError


class Readers:
    """The connections that one event loop reads, by descriptor."""

    def __init__(self) -> None:
        self._loop = gevent.get_hub().loop
        self._epoll = _epoll()
        self._readers: dict[int, Reader] = {}
        self._watcher = self._loop.io(self._epoll.fileno(), _READ)

    def add(self, descriptor: int, reader: Reader) -> None:
        """From now on the reader is called whenever there is something to read. Raises OSError."""
        self._epoll.register(descriptor, _READ | _ENDED | _EDGES)
        self._readers[descriptor] = reader
        if len(self._readers) == 1:
            self._watcher.start(self._read)

    def remove(self, descriptor: int) -> None:
        """No more; before the descriptor is closed, since its number is given to the next one then."""
        del self._readers[descriptor]
        self._epoll.unregister(descriptor)
        if not self._readers:
            self._watcher.stop()  # an event loop with nobody left to read comes to its end

    def _read(self) -> None:
        now = self._loop.now()
        reader_of = self._readers.get
        for descriptor, events in self._epoll.poll(0, _AT_ONCE):
            reader = reader_of(descriptor)
            if reader is not None:  # one read before it may have closed it
                reader.read(now, events != _READ)


readers = OneForEachLoop(Readers)
"""Those of this thread's event loop."""
