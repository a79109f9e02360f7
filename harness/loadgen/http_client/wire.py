"""One TCP connection on gevent's event loop: plain or TLS, never blocking, with a deadline that costs nothing.

gevent's own socket tries first and waits when it fails, with a timeout object for every wait. Here the watcher of a
connection stays armed for its whole life, which also notices at once that a server hung up between two requests; and
the deadline is an attribute that one timer per connection looks at when it fires, so that starting a request neither
makes nor moves a timer.

The event loop itself reads, and notes the time: everything that came in one turn is stamped before the first of those
who wait for it goes on. What one user does with an answer is so no part of the next one's service time.
"""

from __future__ import annotations

import _socket
import errno
import math
import os
import ssl
import sys
import time
from contextlib import suppress
from typing import Any

import gevent
from gevent import getcurrent

from harness.loadgen.each_loop import OneForEachLoop
from harness.loadgen.http_client.kernel_stamp import ROOM_FOR_STAMP, STALE_NS, TIMESTAMPNS, came_at
from harness.loadgen.net import Origin, TimedOut

READ_BYTES = 128 * 1024

_buffer = bytearray(READ_BYTES)
_received = memoryview(_buffer)
_BUFFERS = (_buffer,)
_AWAITED: Any = object()
"""Stands for what is to be read."""

_READ, _WRITE = 1, 2
_TLS_RECORDS_BYTES = 64 * 1024

_hub = gevent.get_hub
_monotonic = time.monotonic
_monotonic_ns = time.monotonic_ns


class _Turn:
    """Those of one event loop that have got what they waited for: all go on once the loop has read what there is.

    began, before: when this round of the loop read first, and when the round before it did, in nanoseconds of
    CLOCK_MONOTONIC. What this round reads came after that.
    """

    __slots__ = ("before", "began", "ready")

    def __init__(self) -> None:
        self.ready: list[Wire] = []
        self.began = self.before = 0

    def soon(self) -> None:
        _hub().loop.run_callback(self._run)

    def _run(self) -> None:
        ready, self.ready = self.ready, []
        for wire in ready:
            chunk = wire._chunk
            if chunk is None or chunk is _AWAITED:
                continue  # who waited for it was killed meanwhile
            try:
                wire._greenlet.switch()
            except BaseException:  # noqa: BLE001  # the hub knows which of them end the program
                _hub().handle_error(wire, *sys.exc_info())


_turn = OneForEachLoop(_Turn)


class Wire:
    """A connection to an origin, closed until ``open``.

    A request sets ``deadline`` (CLOCK_MONOTONIC, seconds) and ``busy``; whatever waits raises TimedOut once it has
    passed. One greenlet at a time. received_at: when what was read last had come, in nanoseconds of CLOCK_MONOTONIC; by
    the kernel's own stamp where this process may have been late to read it (docs/adr/0013).
    """

    __slots__ = (
        "_alarm_at",
        "_chunk",
        "_greenlet",
        "_incoming",
        "_io",
        "_outgoing",
        "_readable",
        "_sock",
        "_switch",
        "_timer",
        "_tls",
        "_turn",
        "_watching",
        "busy",
        "deadline",
        "origin",
        "received_at",
    )

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.busy = False
        self.deadline = math.inf
        self._sock: Any = None
        self._io: Any = None
        self._timer: Any = None
        self._alarm_at = math.inf
        self._greenlet: Any = None
        self._chunk: Any = None
        self._turn: Any = None
        self.received_at = 0
        self._readable = False
        self._watching = False
        self._switch: Any = None
        self._tls: Any = None
        self._incoming: Any = None
        self._outgoing: Any = None

    @property
    def is_open(self) -> bool:
        """Whether there is a connection that nobody has closed, as far as is known."""
        return self._sock is not None

    def open(self, tls: ssl.SSLContext | None) -> None:
        """Connect, to the first of the origin's addresses that does not refuse. Raises OSError, TimedOut."""
        *others, last = self.origin.addresses
        for family, address in others:
            try:
                self._open(family, address, tls)
            except ConnectionRefusedError:  # "localhost" is often ::1 first, where nobody listens
                continue
            return
        family, address = last  # no star in the call: that would take room on the stack of everyone who connects
        self._open(family, address, tls)

    def _open(self, family: int, address: Any, tls: ssl.SSLContext | None) -> None:
        hub = _hub()
        # The C class: gevent's would add a Python object and two watchers that nobody needs.
        sock = self._sock = _socket.socket(family, _socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
            with suppress(OSError):  # without stamps, what comes is as old as its reading
                sock.setsockopt(_socket.SOL_SOCKET, TIMESTAMPNS, 1)
            self._switch = hub.switch
            self._turn = _turn()
            self._io = hub.loop.io(sock.fileno(), _READ)
            self._watching = False
            failed = sock.connect_ex(address)
            if failed == errno.EINPROGRESS:
                self._wait_writable(reading=False)
                failed = sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
            if failed:
                raise OSError(failed, os.strerror(failed))
            if self.origin.scheme == "https":
                self._shake_hands(tls or self.origin.tls)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Hang up."""
        sock, self._sock = self._sock, None
        if sock is None:
            return
        if self._io is not None:
            self._io.stop()
            self._io.close()
            self._io = None
        self._watching = False
        if self._timer is not None:
            self._timer.close()
            self._timer = None
            self._alarm_at = math.inf
        self._tls = self._incoming = self._outgoing = None
        sock.close()

    # Waiting.

    def _wait(self) -> None:
        """Until there is something to read, or the server has closed."""
        if self.deadline < self._alarm_at:
            self._set_alarm()
        if not self._watching:
            self._watch()
        self._greenlet = getcurrent()
        try:
            self._switch()
        finally:
            self._greenlet = None

    def _wait_writable(self, *, reading: bool = True) -> bool:
        """Until there is room to write, or something to read; whether the latter."""
        io = _hub().loop.io(self._sock.fileno(), _WRITE)
        self._readable = False
        if self.deadline < self._alarm_at:
            self._set_alarm()
        if reading and not self._watching:
            self._watch()
        greenlet = self._greenlet = getcurrent()
        try:
            io.start(greenlet.switch)
            self._switch()
        finally:
            self._greenlet = None
            io.stop()
            io.close()
        return self._readable

    def _watch(self) -> None:
        self._io.start(self._on_readable)
        self._watching = True

    def _on_readable(self) -> None:
        if self._chunk is _AWAITED:
            now = _monotonic_ns()
            turn = self._turn
            ready = turn.ready
            if not ready:
                turn.before = turn.began
                turn.began = now
            try:
                if now - turn.before < STALE_NS:
                    self._chunk = _received[: self._sock.recv_into(_buffer)].tobytes()
                    self.received_at = now
                else:
                    count, extra, _, _ = self._sock.recvmsg_into(_BUFFERS, ROOM_FOR_STAMP)
                    self._chunk = _received[:count].tobytes()
                    self.received_at = came_at(extra, turn.before, now)
            except BlockingIOError:
                return
            except OSError as error:
                self._chunk = error
            if not ready:
                turn.soon()
            ready.append(self)
            return
        if self._chunk is not None:
            return  # what came before it is still to be taken
        greenlet = self._greenlet
        if greenlet is not None:
            self._readable = True
            greenlet.switch()
        elif self.busy:  # nobody reads just now: the watcher would fire for ever
            self._io.stop()
            self._watching = False
        elif self._tls is None or not self._is_only_tls():
            self.close()  # in the pause the server has hung up, or said something that nobody asked for

    def _set_alarm(self) -> None:
        if self._timer is not None:
            self._timer.close()
        self._timer = _hub().loop.timer(max(0.0, self.deadline - _monotonic()))
        self._alarm_at = self.deadline
        self._timer.start(self._on_alarm)

    def _on_alarm(self) -> None:
        self._timer.close()
        self._timer = None
        self._alarm_at = math.inf
        if not self.busy:
            return
        if self.deadline > _monotonic():
            self._set_alarm()  # it was set for an earlier request
        elif self._greenlet is not None and (self._chunk is None or self._chunk is _AWAITED):
            self._greenlet.throw(TimedOut())

    # Bytes.

    def has_ended(self) -> bool:
        """Whether there is something to read on an idle connection: it can be used no more."""
        try:
            self._sock.recv(1, _socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return self._tls is None or not self._is_only_tls()

    def send_some(self, data: bytes | memoryview) -> int:
        """Send what there is room for. With TLS, all of it, whatever there is room for. Raises OSError."""
        if self._tls is None:
            try:
                return int(self._sock.send(data))
            except BlockingIOError:
                return 0
        part = data[:_TLS_RECORDS_BYTES]
        self._tls.write(part)
        self._flush()
        return len(part)

    def receive(self) -> bytes:
        """Wait for something to read; nothing is the end. Raises OSError, TimedOut."""
        if self._tls is not None:
            return self._receive_tls()
        if self.deadline < self._alarm_at:
            self._set_alarm()
        if not self._watching:
            self._watch()
        self._greenlet = getcurrent()
        self._chunk = _AWAITED
        try:
            self._switch()
            chunk = self._chunk
        finally:
            self._greenlet = self._chunk = None
        if chunk.__class__ is bytes:
            return chunk
        raise chunk

    def receive_now(self) -> bytes | None:
        """As ``receive``, of what is there already; None when there is nothing. Raises OSError."""
        try:
            return self._read_tls() if self._tls is not None else self._read()
        except (BlockingIOError, ssl.SSLWantReadError):
            return None

    def _read(self) -> bytes:
        count = self._sock.recv_into(_buffer)
        self.received_at = _monotonic_ns()
        return _received[:count].tobytes()

    # TLS, through memory: so that everything above holds for it, too.

    def _shake_hands(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=self.origin.host)
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                self._wait()
                self._pull()
            except ssl.SSLError:
                self._flush()  # the alert that says why
                raise
            else:
                break
        self._flush()
        self._tls = tls

    def _flush(self) -> None:
        rest = memoryview(self._outgoing.read())
        while rest:
            try:
                rest = rest[self._sock.send(rest) :]
            except BlockingIOError:
                self._wait_writable(reading=False)

    def _pull(self) -> None:
        """Bytes from the network to the TLS layer, if there are any."""
        try:
            count = self._sock.recv_into(_buffer)
        except BlockingIOError:
            return
        if count:
            self._incoming.write(_received[:count])
        else:
            self._incoming.write_eof()

    def _is_only_tls(self) -> bool:
        """Whether what came in a pause is the TLS layer's own business, as a session ticket is."""
        try:
            self._pull()
            self._tls.read(1)
        except ssl.SSLWantReadError:
            return True
        except OSError:
            pass
        return False

    def _receive_tls(self) -> bytes:
        while True:
            try:
                return self._read_tls()
            except ssl.SSLWantReadError:
                self._wait()

    def _read_tls(self) -> bytes:
        """Decrypted bytes that are there already; raises SSLWantReadError without any."""
        for attempt in (1, 2):
            try:
                count = int(self._tls.read(READ_BYTES, _buffer))
            except ssl.SSLWantReadError:
                self._flush()  # an answer to the server's own messages
                if attempt == 2:
                    raise
                self._pull()
                continue
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                count = 0
            self.received_at = _monotonic_ns()
            return _received[:count].tobytes()
        raise AssertionError  # never reached
