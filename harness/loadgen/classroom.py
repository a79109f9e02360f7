"""Classrooms: sockets held in rooms along the plan's curve, and messages said in them.

Every socket is one Locust user, whose greenlet is its reader; nothing else is kept per socket. Messages are arrivals of
their own: each is said by a random socket of a random room when it is due. Three things are measured: *connect* (from
the intended connect until the room is joined), *ack* (from the intended message until its acknowledgement) and
*delivery* (from the intended message until each other member has it). reach = completed ÷ expected deliveries.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar

import gevent
from gevent.event import AsyncResult
from locust import User
from locust.exception import StopTest

from harness.errors import HarnessError
from harness.loadgen.arrivals import LATE_SECONDS
from harness.loadgen.generator import Generator
from harness.loadgen.net import FAILURES, ProtocolError, TimedOut, error_kind, own_mistake
from harness.loadgen.recorder import Endpoint
from harness.loadgen.socketio import SocketIO
from harness.model.plan import Held
from harness.planning.schedule import Arrival, held_changes

_FIRST_BACKOFF_SECONDS = 0.5
_LAST_BACKOFF_SECONDS = 10.0
_GOODBYE_SECONDS = 2.0
"""How long a polite server gets to close what we have left, before we hang up."""

_BARE_STAY_SECONDS = 60.0
_BARE_MESSAGES_SECONDS = (5.0, 15.0)


class JoinRefused(ProtocolError):
    """The server did not let the socket into its room."""


@dataclass(eq=False, slots=True)
class Seat:
    """A place in a room, for one socket. index counts the sockets of the plan's curve from 0."""

    index: int
    room: int
    intended: float
    retired: bool = False
    client: SocketIO | None = None
    joined: bool = False


@dataclass(eq=False, slots=True)
class _Message:
    """A message under way. outstanding: who has yet to get it; received: who has."""

    id: str
    second: float
    intended: float
    sent: float
    began: int
    sender: Seat
    outstanding: set[Seat]
    received: set[Seat] = field(default_factory=set)
    answered: bool = False


class Words:
    """What is said in a classroom, in the words of the system under load; ``room`` counts from 0."""

    def auth(self, seat: int) -> object:
        """Sent on connecting, by the socket of that index."""
        raise NotImplementedError

    def join(self, room: int) -> tuple[str, object]:
        """Event and data that enter the room."""
        raise NotImplementedError

    def joined(self, answer: Any) -> bool:
        """Whether the acknowledgement of ``join`` is a good one."""
        raise NotImplementedError

    def message(self, identifier: str, room: int, random: Random) -> tuple[str, object]:
        """Event and data of a message with that id."""
        raise NotImplementedError

    def accepted(self, answer: Any, identifier: str) -> bool:
        """Whether the acknowledgement of that message is a good one."""
        raise NotImplementedError

    def heard(self, event: str, data: Any) -> str:
        """The id of the message that an event delivers, empty for other events."""
        raise NotImplementedError


class Rooms:
    """Who sits where, and what is being said."""

    def __init__(self, generator: Generator, flow: str, words: Words, max_waiting: int) -> None:
        self._generator = generator
        self._words = words
        self._connect = Endpoint("socket connect", flow, "socketio")
        self._ack = Endpoint("socket ack", flow, "socketio")
        self._delivery = Endpoint("socket delivery", flow, "socketio")
        self._flow = flow
        self._max_waiting = max_waiting
        self._members: dict[int, list[Seat]] = {}
        self._occupied: list[int] = []
        self._messages: dict[str, _Message] = {}
        self._by_age: deque[_Message] = deque()
        self._waiting: deque[Arrival] = deque()
        self._unanswered = 0

    # Seats

    def join(self, seat: Seat) -> None:
        """The seat's socket has joined its room: from now on messages are expected to reach it."""
        seat.joined = True
        members = self._members.setdefault(seat.room, [])
        if not members:
            self._occupied.append(seat.room)
        members.append(seat)
        self._generator.sockets += 1
        while self._waiting:
            self._generator.counts.waiting -= 1
            self._say_soon(self._waiting.popleft(), waited=True)

    def leave(self, seat: Seat, *, own_will: bool) -> None:
        """The seat's socket is gone. own_will: messages on their way to it are no longer expected, else lost."""
        if not seat.joined:
            return
        seat.joined = False
        members = self._members[seat.room]
        members.remove(seat)
        if not members:
            self._occupied.remove(seat.room)
        self._generator.sockets -= 1
        for message in self._by_age:
            if own_will:
                message.outstanding.discard(seat)
            elif message.sender is seat and not message.answered:
                self._unacknowledged(message, "disconnected")

    def connected(self, intended: float, began: int) -> None:
        """A socket has connected and joined."""
        ended = self._generator.meter.end(began, good=True)
        service = (ended - began) / 1e9
        self._generator.good(self._connect, intended, max(service, ended / 1e9 - intended), service)

    def not_connected(self, intended: float, began: int, error: BaseException | None) -> None:
        """A socket could not connect or join; without an error the load was over first."""
        self._generator.meter.end(began, good=False)
        own = "" if error is None else own_mistake(error)
        if own:
            self._generator.own_mistake(own)
        else:
            self._generator.bad(self._connect, intended, "unfinished" if error is None else error_kind(error))

    # Messages

    def offer(self, arrival: Arrival) -> None:
        """A message is due: said at once, or as soon as somebody sits anywhere (late), or dropped."""
        counts = self._generator.counts
        if self._occupied:
            self._say_soon(arrival, waited=False)
        elif counts.waiting < self._max_waiting:
            self._waiting.append(arrival)
            counts.waiting += 1
        else:
            counts.dropped += 1
            self._generator.recorder.dropped(self._ack, arrival.second)

    def _say_soon(self, arrival: Arrival, *, waited: bool) -> None:
        # In a greenlet of its own: a full send buffer must hold up this message only, never the dispatcher or a reader.
        self._generator.counts.in_flight += 1
        gevent.spawn(self._say_arrival, arrival, waited)

    def _say_arrival(self, arrival: Arrival, waited: bool) -> None:
        generator = self._generator
        counts = generator.counts
        intended = generator.start_seconds + arrival.seconds
        lag = time.monotonic() - intended
        if not waited:
            counts.lags.append(lag)
        elif lag > LATE_SECONDS:
            counts.late += 1
            generator.recorder.late(self._ack, arrival.second)
        random = generator.random(self._flow, arrival.number, probe=arrival.probe)
        if self._occupied:
            seat = random.choice(self._members[random.choice(self._occupied)])
            self.say(seat, intended, random)
        else:  # everybody left between the handing over and now
            generator.bad(self._ack, intended, "not connected")
            counts.started += 1
            counts.in_flight -= 1
            counts.failed += 1

    def say(self, seat: Seat, intended: float, random: Random) -> None:
        """Send a message from that seat."""
        assert seat.client is not None
        generator = self._generator
        identifier = generator.new_id(random)
        others = {member for member in self._members[seat.room] if member is not seat}
        began = generator.meter.begin()
        message = _Message(identifier, intended, intended, began / 1e9, began, seat, others)
        self._messages[identifier] = message
        self._by_age.append(message)
        self._unanswered += 1
        generator.counts.started += 1
        event, data = self._words.message(identifier, seat.room, random)
        try:
            seat.client.emit(event, data, lambda answer: self._acknowledged(message, answer))
        except FAILURES as error:
            if not message.answered:
                self._unacknowledged(message, error_kind(error))
        self.sweep()

    def _answered(self, message: _Message, *, good: bool) -> int:
        message.answered = True
        self._unanswered -= 1
        counts = self._generator.counts
        counts.in_flight -= 1
        if good:
            counts.completed += 1
        else:
            counts.failed += 1
        return self._generator.meter.end(message.began, good=good)

    def _acknowledged(self, message: _Message, answer: Any) -> None:
        if message.answered:
            return  # after its timeout: it has been counted as an error
        if not self._words.accepted(answer, message.id):
            self._unacknowledged(message, "wrong content")
            return
        ended = self._answered(message, good=True)
        service = (ended - message.began) / 1e9
        self._generator.acknowledged(message.id, "message")
        self._generator.good(self._ack, message.intended, max(service, ended / 1e9 - message.intended), service)

    def _unacknowledged(self, message: _Message, kind: str) -> None:
        self._answered(message, good=False)
        self._generator.bad(self._ack, message.intended, kind)

    def heard(self, seat: Seat, event: str, data: Any) -> None:
        """The seat's socket got an event."""
        message = self._messages.get(self._words.heard(event, data))
        if message is None:
            return
        generator = self._generator
        if seat in message.outstanding:
            message.outstanding.remove(seat)
            message.received.add(seat)
            now = time.monotonic()
            service = max(0.0, now - message.sent)
            # Expected together with what came, and the rest when its time is over: a run cut off in between then has
            # no delivery that nobody expected, and no loss that was only on its way.
            self._expect(message, 1)
            generator.good(self._delivery, message.intended, max(service, now - message.intended), service)
        elif seat in message.received:
            generator.bad(self._delivery, message.intended, "duplicate")
        # else it joined after the message was sent: nobody expected it, and nobody minds

    def _expect(self, message: _Message, count: int) -> None:
        generator = self._generator
        if count and generator.evidence is not None and not generator.closed:
            generator.recorder.expected(self._delivery, generator.second(message.intended), count)

    def sweep(self, *, everything: bool = False) -> None:
        """Give up what has not come within the request timeout; ``everything`` at the end of the load."""
        limit = time.monotonic() - self._generator.settings.request_timeout_seconds
        while self._by_age and (everything or self._by_age[0].sent <= limit):
            message = self._by_age.popleft()
            del self._messages[message.id]
            if not message.answered:
                self._unacknowledged(message, "unfinished" if message.sent > limit else "timeout")
            self._expect(message, len(message.outstanding))

    @property
    def quiet(self) -> bool:
        """Whether nothing is under way: every message acknowledged and delivered."""
        return not self._unanswered and not any(message.outstanding for message in self._by_age)


class Holder:
    """Opens and closes sockets along the plan's curve."""

    def __init__(self, generator: Generator, rooms: Rooms, held: Held) -> None:
        self._generator = generator
        self._rooms = rooms
        self._held = held
        self._free: deque[AsyncResult[Seat]] = deque()
        self._seats: list[Seat] = []

    def next_seat(self) -> Seat:
        """Block until this user has a seat to take."""
        handed: AsyncResult[Seat] = AsyncResult()
        self._free.append(handed)
        seat: Seat = handed.get()
        return seat

    def run(self) -> None:
        """Walk the curve to its end."""
        start = self._generator.start_seconds
        for seconds, change in held_changes(self._held):
            delay = start + seconds - time.monotonic()
            if delay > 0:
                gevent.sleep(delay)
            if change > 0:
                self._open(start + seconds)
            else:
                self._close(self._seats.pop())

    def _open(self, intended: float) -> None:
        index = len(self._seats)
        seat = Seat(index, index // self._generator.settings.room_size, intended)
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
        while self._seats:
            self._close(self._seats.pop())


def _say_goodbye(client: SocketIO, patience_seconds: float) -> None:
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
    """

    abstract = True
    words: ClassVar[Words]

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
        seat, rooms = self.seat, self.rooms
        backoff = _FIRST_BACKOFF_SECONDS
        leave_at = time.monotonic() + _BARE_STAY_SECONDS
        while not seat.retired and (self.holder is not None or time.monotonic() < leave_at):
            if self._connect():
                backoff = _FIRST_BACKOFF_SECONDS
                self._listen(leave_at)
            if seat.retired or self.generator.closed:
                break
            self.generator.reconnects += 1
            gevent.sleep(backoff * Random().uniform(0.5, 1.5))
            backoff = min(_LAST_BACKOFF_SECONDS, backoff * 2)
            seat.intended = time.monotonic()
        rooms.leave(seat, own_will=True)
        if seat.client is not None:
            seat.client.close()

    def _connect(self) -> bool:
        """Connect and join, as one measured request."""
        seat, generator, words = self.seat, self.generator, self.words
        began = generator.meter.begin()
        timeout = gevent.Timeout.start_new(generator.settings.request_timeout_seconds, TimedOut())
        done = False
        try:
            client = SocketIO(
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
