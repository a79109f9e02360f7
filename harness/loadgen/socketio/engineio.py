"""Engine.IO 4 over a WebSocket: handshake, heartbeats, and the packets of the namespaces that share a connection."""

from __future__ import annotations

import json
from typing import Any, Final

import gevent
from gevent.hub import Waiter

from harness.loadgen.net import ConnectionEnded, ProtocolError, TimedOut
from harness.loadgen.socketio.frames import MAX_MESSAGE_BYTES
from harness.loadgen.socketio.lookout import lookout
from harness.loadgen.socketio.namespace import ConnectRefused, Namespace
from harness.loadgen.socketio.packets import (
    ACK,
    BINARY_ACK,
    BINARY_EVENT,
    CONNECT,
    DISCONNECT,
    EVENT,
    MESSAGE,
    REFUSED,
    Header,
    read_binary,
    read_header,
    read_json,
    read_list,
)
from harness.loadgen.socketio.websocket import WebSocket

_EVENT_OF_DEFAULT: Final = "42["
_ACKNOWLEDGED: Final = "43"


class ServerSilent(TimedOut):
    """Neither a ping nor anything else came within the server's own ping interval and timeout: it is dead."""


class _Awaited:
    """A packet whose attachments are on their way: its header, its text, what has come and how much that is."""

    __slots__ = ("attachments", "header", "size_bytes", "text")

    def __init__(self, header: Header, text: str) -> None:
        self.header = header
        self.text = text
        self.attachments: list[bytes] = []
        self.size_bytes = 0

    def add(self, data: bytes) -> bool:
        """Whether that was the last of them. Raises ProtocolError."""
        self.size_bytes += len(data)
        if self.size_bytes > MAX_MESSAGE_BYTES:
            raise ProtocolError("the attachments are too big")
        self.attachments.append(data)
        return len(self.attachments) == self.header.attachments


class Connection:
    """What the namespaces of one client share: the WebSocket, Engine.IO's packets, heartbeats, attachments to come."""

    __slots__ = (
        "_awaited",
        "_default",
        "_idle_seconds",
        "_namespaces",
        "_opening",
        "_slot",
        "ws",
    )

    def __init__(self, ws: WebSocket) -> None:
        self.ws = ws
        self._namespaces: tuple[Namespace, ...] = ()
        self._default: Namespace | None = None  # the one of them that packets do not name
        self._idle_seconds = 0.0
        self._slot = 0  # of the lookout, once there was a handshake
        self._opening: Any = None
        self._awaited: _Awaited | None = None

    def open(self, timeout_seconds: float) -> None:
        """Start reading, and wait for Engine.IO's handshake. Raises ProtocolError, TimedOut."""
        self._opening = Waiter()
        self.ws.start(self._message, self._end)
        with gevent.Timeout(timeout_seconds, TimedOut()):
            self._opening.get()
        self._opening = None

    def add(self, namespace: Namespace, auth: object, timeout_seconds: float) -> None:
        """Connect a namespace."""
        if any(other.name == namespace.name for other in self._namespaces):
            raise ValueError(f"the namespace {namespace.name} is open already")
        self._set((*self._namespaces, namespace))
        try:
            namespace.open(auth, timeout_seconds)
        except BaseException as error:
            self._remove(namespace, error)
            raise

    def leave(self, namespace: Namespace) -> None:
        """Disconnect a namespace. With the last one goes the connection, once the server has hung up."""
        self.ws.send(f"{MESSAGE}{DISCONNECT}{namespace._address}")
        if len(self._namespaces) > 1:
            self._remove(namespace, ConnectionEnded())
        else:
            self.ws.say_goodbye()

    def _set(self, namespaces: tuple[Namespace, ...]) -> None:
        self._namespaces = namespaces
        self._default = self._named("/")

    def _remove(self, namespace: Namespace, cause: BaseException) -> None:
        self._set(tuple(other for other in self._namespaces if other is not namespace))
        namespace.end(cause)
        if not self._namespaces:
            self.ws.close()

    def _end(self, cause: BaseException) -> None:
        if self._slot:
            lookout().remove(self._slot, self)
            self._slot = 0
        namespaces = self._namespaces
        self._set(())
        for namespace in namespaces:
            namespace.end(cause)
        if self._opening is not None:
            gevent.get_hub().loop.run_callback(self._opening.throw, cause)

    def _message(self, message: str | bytes) -> None:
        """Act on one Engine.IO packet."""
        if type(message) is bytes:
            self._attachment(message)
            return
        assert isinstance(message, str)
        if self._awaited is not None:
            raise ProtocolError("a packet among the attachments of another")
        # The two that come by the thousand, in the default namespace, are told without the header's expression.
        default = self._default
        if default is not None:
            if message.startswith(_ACKNOWLEDGED) and default.is_acknowledged(message):
                return
            if message.startswith(_EVENT_OF_DEFAULT):
                default.take(read_list(message, 2), "")
                return
        match message[:1]:
            case "4":
                self._packet(message)
            case "2":
                self.ws.send("3" + message[1:])
            case "3" | "6":
                pass
            case "1":
                raise ConnectionEnded
            case "0":
                self._shake_hands(message)
            case _:
                raise ProtocolError("an unknown packet")

    def _shake_hands(self, message: str) -> None:
        if self._idle_seconds:
            raise ProtocolError("a second Engine.IO handshake")
        try:
            opened = json.loads(message[1:])
            self._idle_seconds = float(opened["pingInterval"] + opened["pingTimeout"]) / 1000
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            raise ProtocolError("no Engine.IO handshake") from error
        if not 0 < self._idle_seconds < 1e9:
            raise ProtocolError("an Engine.IO handshake of impossible times")
        self._slot = lookout().put(self._idle_seconds, self)
        if self._opening is not None:
            self._opening.switch(None)

    def look(self, now: float) -> None:
        """Look whether the server is alive; now: the loop's time. For the lookout."""
        if not self._slot:
            return  # it ended just now
        # A server is not silent while its words wait here unread: then it was this process that did not come to it.
        self.ws.read(now, to_the_end=True)
        if not self._slot:
            return
        silent = now - self.ws.heard_at
        if silent >= self._idle_seconds:
            self.ws.end(ServerSilent())
        else:
            self._slot = lookout().put(self._idle_seconds - silent, self)

    def _packet(self, message: str) -> None:
        if not self._idle_seconds:
            raise ProtocolError("no Engine.IO handshake")
        header = read_header(message)
        if header.kind in (BINARY_EVENT, BINARY_ACK) and header.attachments:
            self._awaited = _Awaited(header, message)
        else:
            self._dispatch(header, message)

    def _attachment(self, data: bytes) -> None:
        awaited = self._awaited
        if awaited is None:
            raise ProtocolError("an attachment to nothing")
        if awaited.add(data):
            self._awaited = None
            header = awaited.header
            arguments = read_binary(awaited.text, header.start, awaited.attachments)
            namespace = self._named(header.namespace)
            if namespace is not None:
                if header.kind == BINARY_EVENT:
                    namespace.take(arguments, header.number)
                else:
                    namespace.acknowledge(arguments, header.number)

    def _named(self, name: str) -> Namespace | None:
        """That namespace; None for one that this client has just left, whose packets were still on their way."""
        for namespace in self._namespaces:
            if namespace.name == name:
                return namespace
        return None

    def _dispatch(self, header: Header, message: str) -> None:
        namespace = self._named(header.namespace)
        if header.kind in (EVENT, BINARY_EVENT, ACK, BINARY_ACK):
            arguments = read_list(message, header.start)
            if namespace is not None:
                if header.kind in (EVENT, BINARY_EVENT):
                    namespace.take(arguments, header.number)
                else:
                    namespace.acknowledge(arguments, header.number)
            return
        said = read_json(message, header.start)
        if namespace is None:
            return
        if header.kind == CONNECT:
            namespace.opened(said)
        elif header.kind == DISCONNECT:
            self._remove(namespace, ConnectionEnded())
        elif header.kind == REFUSED:
            self._remove(namespace, ConnectRefused(said))
