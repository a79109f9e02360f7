"""A Socket.IO namespace: what is sent to it, what comes from it, and who waits for what."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import gevent
from gevent.hub import Waiter

from harness.loadgen.net import ProtocolError, TimedOut
from harness.loadgen.socketio.packets import (
    ACK,
    CONNECT,
    MESSAGE,
    address,
    as_arguments,
    as_data,
    encode,
    encode_event,
    read_list,
)

if TYPE_CHECKING:
    from harness.loadgen.socketio.engineio import Connection

OnEvent = Callable[[str, Any], Any]
"""Gets an event's name and its data: None, one argument, or a tuple of several. What it returns acknowledges the event
in the same way, where the server asks for that."""

OnAck = Callable[[Any], Any]
"""Gets an acknowledgement's data: None, one argument, or a tuple of several."""


class Client(Protocol):
    """What a user of Socket.IO needs of it, whichever client it is."""

    def emit(self, event: str, data: object = None, on_ack: OnAck | None = None) -> None:
        """Send an event."""

    def call(self, event: str, data: object = None, timeout_seconds: float | None = None) -> Any:
        """Send an event and wait for its acknowledgement."""

    def listen(self) -> None:
        """Wait for the end, and raise it."""

    @property
    def unacknowledged(self) -> int:
        """Events sent whose acknowledgement is still to come."""

    def leave(self) -> None:
        """Disconnect politely."""

    def close(self) -> None:
        """Hang up."""


class ConnectRefused(ProtocolError):
    """The server refused the namespace: the token, most likely. reason: what it said, a text from outside."""

    def __init__(self, reason: object = None) -> None:
        super().__init__("the server refused the connection")
        self.reason = reason


class Namespace:
    """One namespace of a connection. name: "/" is the default one; sid: the server's name for this client in it.

    Raises, from everything that sends or waits, what ended it: ConnectionEnded, ProtocolError, OSError, ServerSilent.
    """

    __slots__ = (
        "_acks",
        "_address",
        "_connection",
        "_ended",
        "_last_ack",
        "_listeners",
        "_on_event",
        "_opening",
        "name",
        "sid",
    )

    def __init__(self, connection: Connection, name: str, on_event: OnEvent) -> None:
        self._connection = connection
        self.name = name
        self._address = address(name)
        self._on_event = on_event
        self._acks: dict[str, Any] | None = None  # OnAck, or the Waiter of a call
        self._last_ack = 0
        self._ended: BaseException | None = None
        self._listeners: tuple[Any, ...] = ()
        self._opening: Any = None
        self.sid = ""

    def emit(self, event: str, data: object = None, on_ack: OnAck | None = None) -> None:
        """Send an event; bytes in its data go as binary attachments, a tuple as several arguments.

        on_ack gets the acknowledgement, and is never called when the connection ends first.
        """
        if self._ended is not None:
            raise self._ended.with_traceback(None)
        if on_ack is None:
            self._connection.ws.send(*encode_event(self._address, "", event, data))
            return
        number = self._last_ack + 1
        name = str(number)
        text, attachments = encode_event(self._address, name, event, data)
        self._last_ack = number
        if self._acks is None:
            self._acks = {}
        self._acks[name] = on_ack
        self._connection.ws.send(text, attachments)

    def call(self, event: str, data: object = None, timeout_seconds: float | None = None) -> Any:
        """Send an event and wait for its acknowledgement's data. Raises TimedOut, too. Not for handlers."""
        waiter: Any = Waiter()
        number = str(self._last_ack + 1)
        try:
            self.emit(event, data, waiter)
            if timeout_seconds is None:
                return waiter.get()
            with gevent.Timeout(timeout_seconds, TimedOut()):
                return waiter.get()
        finally:
            if self._acks is not None:
                self._acks.pop(number, None)
                if not self._acks:
                    self._acks = None  # a client that only joins and listens needs none from now on

    def listen(self) -> None:
        """Wait until the namespace ends, and raise what ended it. Events go to on_event with and without this."""
        if self._ended is None:
            waiter: Any = Waiter()
            self._listeners = (*self._listeners, waiter)
            try:
                waiter.get()
            finally:
                self._listeners = tuple(other for other in self._listeners if other is not waiter)
        assert self._ended is not None
        raise self._ended.with_traceback(None)

    @property
    def unacknowledged(self) -> int:
        """Events sent whose acknowledgement is still to come."""
        return len(self._acks or ())

    def leave(self) -> None:
        """Disconnect politely from this namespace; the connection ends with its last one."""
        if self._ended is None:
            self._connection.leave(self)

    def open(self, auth: object, timeout_seconds: float) -> None:
        """Connect it, once. Raises ConnectRefused, and TimedOut when the server does not answer."""
        self._opening = Waiter()
        said = "" if auth is None else json.dumps(auth, separators=(",", ":"))
        self._connection.ws.send(f"{MESSAGE}{CONNECT}{self._address}{said}")
        with gevent.Timeout(timeout_seconds, TimedOut()):
            self._opening.get()
        self._opening = None

    # Called by the connection, inside the loop (``end`` from anywhere).

    def opened(self, answer: Any) -> None:
        """The server has let this client in."""
        self.sid = str(answer.get("sid", "")) if isinstance(answer, dict) else ""
        if self._opening is not None:
            self._opening.switch(None)

    def take(self, arguments: list[Any], number: str) -> None:
        """An event."""
        if not arguments or not isinstance(arguments[0], str):
            raise ProtocolError("an event without a name")
        answer = self._on_event(arguments[0], arguments[1] if len(arguments) == 2 else as_data(arguments[1:]))
        if number and self._ended is None:
            self._connection.ws.send(*encode(ACK, self._address, number, as_arguments(answer)))

    def is_acknowledged(self, message: str) -> bool:
        """Take an acknowledgement as it comes, when it is of a number that is waited for; else it is still to be read.

        message: in the default namespace, without attachments. Raises ProtocolError.
        """
        if self._acks is None:
            return False
        start = message.find("[")
        name = message[2:start]
        on_ack = self._acks.get(name)
        if on_ack is None:
            return False
        arguments = read_list(message, start)  # may fail: who waits is still to be told of the end
        del self._acks[name]
        self._answer(on_ack, arguments)
        return True

    def acknowledge(self, arguments: list[Any], number: str) -> None:
        """An acknowledgement; one that nobody asked for is passed over."""
        on_ack = self._acks.pop(number, None) if self._acks is not None else None
        if on_ack is not None:
            self._answer(on_ack, arguments)

    def _answer(self, on_ack: Any, arguments: list[Any]) -> None:
        answer = arguments[0] if len(arguments) == 1 else as_data(arguments)
        if type(on_ack) is Waiter:
            on_ack.switch(answer)
        else:
            on_ack(answer)

    def end(self, cause: BaseException) -> None:
        """It is over: whoever waits is told."""
        if self._ended is not None:
            return
        self._ended = cause
        later = gevent.get_hub().loop.run_callback
        for on_ack in (self._acks or {}).values():
            if type(on_ack) is Waiter:
                later(on_ack.throw, cause)
        self._acks = None
        for waiter in self._listeners:
            later(waiter.switch, None)
        if self._opening is not None:
            later(self._opening.throw, cause)
