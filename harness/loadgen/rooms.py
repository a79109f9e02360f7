"""Rooms: who sits where, what is being said, and whom it has reached.

Messages are arrivals of their own: each is said by a random socket of the room that the schedule names, when it is due.
Three things are measured: *connect* (from the intended connect until the room is joined), *ack* (from the intended
message until its acknowledgement) and *delivery* (from the intended message until each other member has it). reach =
completed ÷ expected deliveries.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar

import gevent

from harness.loadgen.arrivals import LATE_SECONDS, WaitingLine
from harness.loadgen.generator import Generator
from harness.loadgen.net import FAILURES, error_kind, own_mistake
from harness.loadgen.recorder import Endpoint
from harness.loadgen.socketio import Client
from harness.planning.schedule import Arrival


@dataclass(eq=False, slots=True)
class Seat:
    """A place in a room, for one socket. index counts the sockets of the plan's curve from 0."""

    index: int
    room: int
    intended: float
    retired: bool = False
    client: Client | None = None
    joined: bool = False


@dataclass(eq=False, slots=True)
class _Message:
    """A message under way. outstanding: who has yet to get it; received: who has."""

    id: str
    intended: float
    sent: float
    began: int
    sender: Seat
    outstanding: set[Seat]
    received: set[Seat] = field(default_factory=set)
    answered: bool = False


class Words:
    """What is said in a classroom, in the words of the system under load; ``room`` counts from 0.

    durable: what is acknowledged is stored, so that the database is asked for it after the run.
    """

    durable: ClassVar[bool] = True

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

    def owed(self, answer: Any) -> bool:
        """Whether, by this acknowledgement, the sender too is to hear of the message: of what became of it."""
        return False


class Rooms:
    """Who sits where, and what is being said."""

    def __init__(self, generator: Generator, flow: str, words: Words, max_waiting: int) -> None:
        self._generator = generator
        self._words = words
        self._connect = Endpoint("socket connect", flow, "socketio")
        self._ack = Endpoint("socket ack", flow, "socketio")
        self._delivery = Endpoint("socket delivery", flow, "socketio")
        self._flow = flow
        self._members: dict[int, list[Seat]] = {}
        self._occupied: list[int] = []
        self._messages: dict[str, _Message] = {}
        self._by_age: deque[_Message] = deque()
        self._waiting = WaitingLine(generator, self._ack, max_waiting)
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
            self._say_soon(self._waiting.take(), waited=True)

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
        if self._occupied:
            self._say_soon(arrival, waited=False)
        else:
            self._waiting.add(arrival)

    def give_up(self) -> None:
        """At the end of the load: what nobody has said by now never will be."""
        self._waiting.give_up()

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
            counts.lags.add(lag)
        elif lag > LATE_SECONDS:
            counts.late += 1
            generator.recorder.late(self._ack, arrival.second)
        random = generator.random(self._flow, arrival.number, probe=arrival.probe)
        if self._occupied:
            # While the curve rises the room's first member may still be connecting: then it is said in another.
            members = self._members.get(arrival.room) or self._members[random.choice(self._occupied)]
            self.say(random.choice(members), intended, random)
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
        message = _Message(identifier, intended, began / 1e9, began, seat, others)
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
        good = self._words.accepted(answer, message.id)
        if good and self._words.durable:
            # Even after its timeout, when it has been counted as an error: the server says that it holds it.
            self._generator.acknowledged(message.id, "message")
        if message.answered:
            return
        if not good:
            # The sender knows, and it counts as a bad acknowledgement: nobody is owed what the server did not take.
            message.outstanding.clear()
            self._unacknowledged(message, "refused")
            return
        if self._words.owed(answer) and message.sender not in message.received:
            message.outstanding.add(message.sender)
        ended = self._answered(message, good=True)
        service = (ended - message.began) / 1e9
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
        if seat is message.sender and not message.answered:
            message.outstanding.add(seat)  # it is owed, and came before the acknowledgement that says so
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
