"""Socket.IO 5 over Engine.IO 4 over WebSocket, the client's side.

Namespaces, acknowledgements and binary attachments in both directions, auth, heartbeats. WebSocket alone, JSON alone:
long polling, with or without the upgrade, is python-socketio's own client, in ``polling``. Written here because that
client takes several greenlets and 34 kB to a connection; an idle one of these is read by the event loop itself and
takes no greenlet at all.

Handlers (``on_event``, ``on_ack``) are called inside the loop: they may emit, and must not block; what has to block
goes into ``gevent.spawn``. An error that one raises ends the connection, and ``listen`` raises it.
"""

from __future__ import annotations

import contextlib

from harness.loadgen.net import FAILURES, Origin
from harness.loadgen.socketio.engineio import Connection
from harness.loadgen.socketio.namespace import Namespace, OnEvent
from harness.loadgen.socketio.packets import DISCONNECT, MESSAGE
from harness.loadgen.socketio.websocket import WebSocket


class SocketIO(Namespace):
    """A connected client, in one namespace to begin with. Connecting raises what a WebSocket raises, ConnectRefused
    and TimedOut.

    on_event is called for every event. origin: where the server is; path: where Socket.IO is on it.
    """

    __slots__ = ()

    def __init__(
        self,
        origin: Origin,
        on_event: OnEvent,
        *,
        auth: object = None,
        namespace: str = "/",
        timeout_seconds: float = 30.0,
        headers: dict[str, str] | None = None,
        path: str = "/socket.io/",
    ) -> None:
        ws = WebSocket(origin, f"{path}?EIO=4&transport=websocket", headers or {}, timeout_seconds)
        connection = Connection(ws)
        super().__init__(connection, namespace, on_event)
        try:
            connection.open(timeout_seconds)
            connection.add(self, auth, timeout_seconds)
        except BaseException:
            ws.close()
            raise

    def join(self, namespace: str, on_event: OnEvent, auth: object = None, timeout_seconds: float = 30.0) -> Namespace:
        """Enter another namespace over the same connection. Raises ConnectRefused, TimedOut."""
        if self._ended is not None:
            raise self._ended.with_traceback(None)
        other = Namespace(self._connection, namespace, on_event)
        self._connection.add(other, auth, timeout_seconds)
        return other

    def leave(self) -> None:
        """Disconnect politely from everything; ``listen`` ends when the server has hung up."""
        if self._ended is None:
            with contextlib.suppress(*FAILURES):  # the server has hung up already, or does not read any more
                self._connection.ws.send(f"{MESSAGE}{DISCONNECT}{self._address}")
            self._connection.ws.say_goodbye()

    def close(self) -> None:
        """Hang up, whatever namespaces are open."""
        self._connection.ws.close()
