"""Socket.IO 5 over Engine.IO 4 over WebSocket, the client's side: one object and one reading greenlet to a connection.

Written here because python-socketio's own client takes several greenlets and 34 kB to a connection. Only what
events need that are sent with or without binary attachments and come as JSON: no polling, the default namespace.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

from harness.loadgen.net import ConnectionEnded, Origin, ProtocolError
from harness.loadgen.websocket import WebSocket

OnEvent = Callable[[str, Any], None]
OnAck = Callable[[Any], None]

_COMPACT = (",", ":")


class ConnectRefused(ProtocolError):
    """The server refused the namespace: the token, most likely."""


class SocketIO:
    """A connected client. Raises what a WebSocket raises, and ConnectRefused.

    on_event is called with the name and the first argument of every event, by the greenlet that reads.
    """

    def __init__(
        self,
        origin: Origin,
        on_event: OnEvent,
        *,
        auth: object = None,
        timeout_seconds: float = 30.0,
        headers: dict[str, str] | None = None,
        path: str = "/socket.io/",
    ) -> None:
        self._on_event = on_event
        self._acks: dict[int, OnAck] = {}
        self._last_ack = 0
        self._connected = False
        self._ws = WebSocket(origin, f"{path}?EIO=4&transport=websocket", headers or {}, timeout_seconds)
        try:
            self._idle_seconds = self._handshake(auth)
        except BaseException:
            self._ws.close()
            raise

    def _handshake(self, auth: object) -> float:
        first = self._ws.receive()
        try:
            opened = json.loads(first[1:] if first[:1] == "0" else "")
            idle = (opened["pingInterval"] + opened["pingTimeout"]) / 1000
        except (ValueError, TypeError, KeyError) as error:
            raise ProtocolError("no Engine.IO handshake") from error
        self._ws.send("40" if auth is None else "40" + json.dumps(auth, separators=_COMPACT))
        while not self._connected:
            self._take(self._ws.receive())
        return float(idle)

    def emit(self, event: str, data: object, on_ack: OnAck | None = None) -> None:
        """Send an event; bytes in its data go as binary attachments. on_ack gets the acknowledgement's first argument,
        by the greenlet that reads."""
        number = ""
        if on_ack is not None:
            self._last_ack += 1
            self._acks[self._last_ack] = on_ack
            number = str(self._last_ack)
        attachments: list[bytes] = []

        def attach(value: object) -> object:
            if not isinstance(value, bytes):
                raise TypeError(f"{type(value).__name__} cannot be sent")
            attachments.append(value)
            return {"_placeholder": True, "num": len(attachments) - 1}

        text = json.dumps([event, data], separators=_COMPACT, default=attach)
        self._ws.send(f"45{len(attachments)}-{number}{text}" if attachments else f"42{number}{text}", attachments)

    def call(self, event: str, data: object) -> Any:
        """Send an event and read until it is acknowledged: only before ``listen``, since it reads itself."""
        answers: list[Any] = []
        self.emit(event, data, answers.append)
        while not answers:
            self._take(self._ws.receive())
        return answers[0]

    def listen(self) -> None:
        """Read until the connection ends: ConnectionEnded, or whatever else ended it.

        The server pings at its own interval; silence for longer than that and its timeout means that it is gone.
        """
        self._ws.set_idle_timeout(self._idle_seconds)
        while True:
            self._take(self._ws.receive())

    @property
    def unacknowledged(self) -> int:
        """Events sent whose acknowledgement is still to come."""
        return len(self._acks)

    def leave(self) -> None:
        """Disconnect politely; ``listen`` ends when the server has hung up."""
        with contextlib.suppress(OSError):
            self._ws.send("41")
        self._ws.say_goodbye()

    def close(self) -> None:
        """Hang up."""
        self._ws.close()

    def _take(self, message: str) -> None:
        """Act on one Engine.IO packet."""
        match message[:2]:
            case "42":
                name, data, number = _parse(message, 2)
                if not isinstance(name, str):
                    raise ProtocolError("an event without a name")
                self._on_event(name, data)
                if number:
                    self._ws.send(f"43{number}[]")
            case "43":
                answer, _, number = _parse(message, 2)
                on_ack = self._acks.pop(int(number or 0), None)
                if on_ack is not None:
                    on_ack(answer)
            case "40":
                self._connected = True
            case "41":
                raise ConnectionEnded
            case "44":
                raise ConnectRefused("the server refused the connection")
            case "1":
                raise ConnectionEnded
            case _ if message[:1] == "2":
                self._ws.send("3" + message[1:])
            case _ if message[:1] in ("3", "6"):
                pass
            case _:
                raise ProtocolError("an unknown packet")


def _parse(message: str, start: int) -> tuple[Any, Any, str]:
    """First and second argument, and the acknowledgement's number, of an event or acknowledgement packet."""
    end = start
    while message[end : end + 1].isdecimal():
        end += 1
    try:
        arguments = json.loads(message[end:])
    except ValueError as error:
        raise ProtocolError("a packet that is no JSON") from error
    if not isinstance(arguments, list):
        raise ProtocolError("a packet that is no list")
    first, second, *_ = (*arguments, None, None)
    return first, second, message[start:end]
