"""Classrooms: sockets held open along the plan's curve.

Every socket is one Locust user. Its greenlet only waits for the end: the event loop itself reads.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from random import Random
from typing import ClassVar

import gevent
from gevent.event import AsyncResult
from locust import User
from locust.exception import StopTest

from harness.errors import HarnessError
from harness.loadgen.generator import Generator
from harness.loadgen.net import FAILURES, ProtocolError, TimedOut
from harness.loadgen.rooms import Rooms, Seat, Words
from harness.loadgen.socketio import Client, SocketIO
from harness.loadgen.socketio.backoff import Backoff, stay
from harness.model.plan import Held
from harness.planning.schedule import Shard, seat_changes

_BACKOFF = Backoff()
_GOODBYE_SECONDS = 2.0
"""How long a polite server gets to close what we have left, before we hang up."""

_BARE_STAY_SECONDS = 60.0
_BARE_MESSAGES_SECONDS = (5.0, 15.0)


class JoinRefused(ProtocolError):
    """The server did not let the socket into its room."""


class Holder:
    """Opens and closes sockets along the plan's curve, in the rooms of this worker."""

    def __init__(self, generator: Generator, rooms: Rooms, held: Held, shard: Shard) -> None:
        self._generator = generator
        self._rooms = rooms
        self._held = held
        self._shard = shard
        self._free: deque[AsyncResult[Seat]] = deque()
        self._seats: list[Seat] = []
        self._is_over = False

    def next_seat(self) -> Seat:
        """Block until this user has a seat to take."""
        handed: AsyncResult[Seat] = AsyncResult()
        self._free.append(handed)
        seat: Seat = handed.get()
        return seat

    def run(self) -> None:
        """Walk the curve to its end."""
        start = self._generator.start_seconds
        for change in seat_changes(self._held, self._generator.settings.room_size, self._shard):
            delay = start + change.seconds - time.monotonic()
            if delay > 0:
                gevent.sleep(delay)
            if self._is_over:
                return  # the curve's last points and the end of the load come at the same moment, in either order
            if change.opens:
                self._open(Seat(change.index, change.room, start + change.seconds))
            else:
                self._close(self._seats.pop())

    def _open(self, seat: Seat) -> None:
        self._seats.append(seat)
        while not self._free:  # as many users as sockets: only while one that was just closed is still hanging up
            gevent.sleep(0.01)
        self._free.popleft().set(seat)

    def _close(self, seat: Seat) -> None:
        seat.retired = True
        self._rooms.leave(seat, own_will=True)
        if seat.client is not None:
            gevent.spawn(_say_goodbye, seat.client, self._generator.settings.request_timeout_seconds)

    def close_all(self) -> None:
        """At the end of the load."""
        self._is_over = True
        while self._seats:
            self._close(self._seats.pop())


def _say_goodbye(client: Client, patience_seconds: float) -> None:
    give_up = time.monotonic() + patience_seconds
    while client.unacknowledged and time.monotonic() < give_up:
        gevent.sleep(0.05)  # what this socket has said last is still to be acknowledged
    client.leave()
    gevent.sleep(_GOODBYE_SECONDS)
    client.close()


class ClassroomUser(User):
    """One socket: takes a seat, joins its room, stays until the plan's curve has no place for it.

    A locustfile's class sets ``words`` and calls ``self.attend()`` in its task. Connecting again after a loss is part
    of attending: with a back-off that doubles, so that a struggling server is not finished off by its own clients.

    connector: what connects; ``harness.loadgen.socketio.polling`` has a slower one for systems whose clients poll.
    """

    abstract = True
    words: ClassVar[Words]
    connector: ClassVar[Callable[..., Client]] = SocketIO

    # Set by the boot module before any user is spawned.
    generator: ClassVar[Generator]
    flow: ClassVar[str] = ""
    rooms: ClassVar[Rooms]
    holder: ClassVar[Holder | None] = None

    _bare_seats: ClassVar[int] = 0

    def on_start(self) -> None:
        """Wait for the first seat."""
        self.seat = Seat(0, 0, 0.0)
        if self.holder is None:
            try:
                self.generator.prepare_once()
            except HarnessError as error:
                raise StopTest(f"{error.message}. {error.hint}") from error
        self._take_seat()

    def wait_time(self) -> float:
        """Between two stays: until the next seat is free; in the closed model a second."""
        if self.holder is None:
            gevent.sleep(1.0)
        self._take_seat()
        return 0.0

    def _take_seat(self) -> None:
        if self.holder is not None:
            self.seat = self.holder.next_seat()
            return
        index, ClassroomUser._bare_seats = ClassroomUser._bare_seats, ClassroomUser._bare_seats + 1
        self.seat = Seat(index, index // self.generator.settings.room_size, time.monotonic())

    def on_stop(self) -> None:
        """The load is over."""
        if self.seat.client is not None:
            self.seat.client.close()

    def attend(self) -> None:
        """Connect, join and listen; again after a loss, until the seat is given up."""
        seat = self.seat
        leave_at = time.monotonic() + _BARE_STAY_SECONDS

        def over() -> bool:
            return seat.retired or self.generator.closed or (self.holder is None and time.monotonic() >= leave_at)

        def live() -> bool:
            connected = self._connect()
            if connected:
                self._listen(leave_at)
            return connected

        def record(_: float) -> None:
            self.generator.reconnects += 1

        def pause(seconds: float) -> None:
            gevent.sleep(seconds)
            seat.intended = time.monotonic()

        stay(
            live,
            over,
            backoff=_BACKOFF,
            random=lambda: self.generator.random(f"{self.flow}/reconnect", seat.index),
            record=record,
            sleep=pause,
        )
        self.rooms.leave(seat, own_will=True)
        if seat.client is not None:
            seat.client.close()

    def _connect(self) -> bool:
        """Connect and join, as one measured request."""
        seat, generator, words = self.seat, self.generator, self.words
        began = generator.meter.begin()
        timeout = gevent.Timeout.start_new(generator.settings.request_timeout_seconds, TimedOut())
        done = False
        try:
            client = type(self).connector(
                generator.origin,
                lambda event, data: self.rooms.heard(seat, event, data),
                auth=words.auth(seat.index),
                timeout_seconds=generator.settings.request_timeout_seconds,
            )
            seat.client = client
            if not words.joined(client.call(*words.join(seat.room))):
                raise JoinRefused
            done = True
            self.rooms.connected(seat.intended, began)
        except FAILURES as error:
            done = True
            self.rooms.not_connected(seat.intended, began, error)
            self._hang_up()
            return False
        finally:
            timeout.close()
            if not done:  # killed at the end of the load
                self.rooms.not_connected(seat.intended, began, None)
        if not seat.retired:
            self.rooms.join(seat)
        return not seat.retired

    def _listen(self, leave_at: float) -> None:
        seat = self.seat
        assert seat.client is not None
        chatter = None if self.holder is not None else gevent.spawn(self._chat, leave_at)
        try:
            seat.client.listen()
        except FAILURES:
            pass  # how it ended does not matter: it is a reconnect, unless the seat was given up
        finally:
            if chatter is not None:
                chatter.kill()
            self.rooms.leave(seat, own_will=seat.retired)
            self._hang_up()

    def _hang_up(self) -> None:
        if self.seat.client is not None:
            self.seat.client.close()
            self.seat.client = None

    def _chat(self, leave_at: float) -> None:
        """The closed model's messages: this socket says something every few seconds, then leaves."""
        random = Random()
        while time.monotonic() < leave_at:
            gevent.sleep(random.uniform(*_BARE_MESSAGES_SECONDS))
            self.generator.counts.in_flight += 1
            self.rooms.say(self.seat, time.monotonic(), random)
        self.seat.retired = True
        if self.seat.client is not None:
            self.seat.client.leave()
