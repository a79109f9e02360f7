"""Engine.IO 4 over a WebSocket: handshake, heartbeats, and the packets of the namespaces that share a connection."""

from __future__ import annotations

import json
from typing import Any

import gevent
from gevent.hub import Waiter

from harness.loadgen.frames import MAX_MESSAGE_BYTES
from harness.loadgen.namespace import ConnectRefused, Namespace
from harness.loadgen.net import ConnectionEnded, ProtocolError, TimedOut
from harness.loadgen.packets import (
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
from harness.loadgen.websocket import WebSocket


class ServerSilent(TimedOut):
    """Neither a ping nor anything else came within the server's own ping interval and timeout: it is dead."""


class Connection:
    """What the namespaces of one client share: the WebSocket, Engine.IO's packets, heartbeats, attachments to come."""

    __slots__ = (
        "_attachments",
        "_awaited",
        "_header",
        "_idle_seconds",
        "_namespaces",
        "_opening",
        "_size",
        "_timer",
        "ws",
    )

    def __init__(self, ws: WebSocket) -> None:
        self.ws = ws
        self._namespaces: tuple[Namespace, ...] = ()
        self._idle_seconds = 0.0
        self._timer: Any = None
        self._opening: Any = None
        # A packet whose attachments are on their way: its header, its text, what has come.
        self._header: Header | None = None
        self._awaited = ""
        self._attachments: list[bytes] = []
        self._size = 0

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
        self._namespaces = (*self._namespaces, namespace)
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

    def _remove(self, namespace: Namespace, cause: BaseException) -> None:
        self._namespaces = tuple(other for other in self._namespaces if other is not namespace)
        namespace.end(cause)
        if not self._namespaces:
            self.ws.close()

    def _end(self, cause: BaseException) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None
        namespaces, self._namespaces = self._namespaces, ()
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
        if self._header is not None:
            raise ProtocolError("a packet among the attachments of another")
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
        self._watch(self._idle_seconds)
        if self._opening is not None:
            self._opening.switch(None)

    def _watch(self, seconds: float) -> None:
        """Look after the server's heartbeat in so many seconds: one timer, not set anew with each message."""
        if self._timer is not None:
            self._timer.close()
        self._timer = gevent.get_hub().loop.timer(seconds)
        self._timer.start(self._look)

    def _look(self) -> None:
        # A server is not silent while its words wait here unread: then it was this process that did not come to it.
        self.ws.read()
        if self._timer is None:
            return
        silent = gevent.get_hub().loop.now() - self.ws.heard_at
        if silent >= self._idle_seconds:
            self.ws.end(ServerSilent())
        else:
            self._watch(self._idle_seconds - silent)

    def _packet(self, message: str) -> None:
        if not self._idle_seconds:
            raise ProtocolError("no Engine.IO handshake")
        # The two that come by the thousand, in the default namespace, are told without the header's expression.
        kind = message[1:2]
        if kind == EVENT and message[2:3] == "[":
            namespace = self._named("/")
            if namespace is not None:
                namespace.take(read_list(message, 2), "")
            return
        header = read_header(message)
        if header.kind in (BINARY_EVENT, BINARY_ACK) and header.attachments:
            self._header, self._awaited, self._size = header, message, 0
        else:
            self._dispatch(header, message)

    def _attachment(self, data: bytes) -> None:
        header = self._header
        if header is None:
            raise ProtocolError("an attachment to nothing")
        self._size += len(data)
        if self._size > MAX_MESSAGE_BYTES:
            raise ProtocolError("the attachments are too big")
        self._attachments.append(data)
        if len(self._attachments) == header.attachments:
            message, attachments = self._awaited, self._attachments
            self._header, self._awaited, self._attachments = None, "", []
            arguments = read_binary(message, header.start, attachments)
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
