"""Socket.IO over long polling, with or without the upgrade to WebSocket: python-socketio's own client, by its name.

The slow one: several greenlets and some 35 kB to a connection, and a fifth of the messages. It is for systems whose
clients do poll. A classroom takes it by ``connector = PythonSocketIO``, or ``PythonSocketIO.upgrading``.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import requests
import socketio

from harness.loadgen.net import ConnectionEnded, Origin, TimedOut
from harness.loadgen.socketio.namespace import ConnectRefused, OnAck, OnEvent
from harness.loadgen.socketio.packets import as_data

POLLING = ("polling",)
UPGRADING = ("polling", "websocket")
"""It begins with polling and goes over to WebSocket when the server offers that."""


class PythonSocketIO:
    """A connected client with the interface of ``SocketIO``, in one namespace.

    Connecting raises ConnectRefused, OSError.

    Handlers run in threads of the client's own (greenlets, in a Locust process), and one connection's need not follow
    each other in order.
    """

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
        transports: tuple[str, ...] = POLLING,
    ) -> None:
        self.name = namespace
        self._timeout_seconds = timeout_seconds
        self._on_event = on_event
        self._refusal: list[object] = []
        self._over = threading.Event()
        self._unacknowledged = 0
        session = requests.Session()
        session.trust_env = False  # a proxy between this and the system under load would be measured, too
        self._session = session
        self._client = socketio.Client(
            reconnection=False, handle_sigint=False, http_session=session, request_timeout=timeout_seconds
        )
        self._client.on("*", self._hear, namespace=namespace)
        self._client.on("connect_error", self._refused, namespace=namespace)
        self._client.on("disconnect", self._ended, namespace=namespace)
        try:
            self._client.connect(
                f"{origin.scheme}://{origin.host_header}",
                headers=headers or {},
                auth=auth,
                transports=list(transports),
                namespaces=[namespace],
                socketio_path=path,
                wait_timeout=timeout_seconds,
            )
        except socketio.exceptions.ConnectionError as error:
            self.close()
            if self._refusal and isinstance(self._refusal[0], dict):
                raise ConnectRefused(self._refusal[0]) from error
            raise OSError("no connection") from error
        except BaseException:
            self.close()
            raise

    @classmethod
    def upgrading(cls, origin: Origin, on_event: OnEvent, **options: Any) -> PythonSocketIO:
        """The same with the upgrade to WebSocket."""
        return cls(origin, on_event, transports=UPGRADING, **options)

    @property
    def transport(self) -> str:
        """What it goes over now: "polling" or "websocket"."""
        return str(self._client.transport())

    @property
    def sid(self) -> str:
        """The server's name for this client."""
        return str(self._client.get_sid(self.name) or "")

    def _hear(self, event: str, *arguments: Any) -> Any:
        return self._on_event(event, as_data(list(arguments)))

    def _refused(self, reason: object = None) -> None:
        self._refusal.append(reason)

    def _ended(self, *_: object) -> None:
        self._over.set()

    def emit(self, event: str, data: object = None, on_ack: OnAck | None = None) -> None:
        """Send an event. Raises ConnectionEnded."""

        def acknowledged(*arguments: Any) -> None:
            self._unacknowledged -= 1
            if on_ack is not None:
                on_ack(as_data(list(arguments)))

        try:
            self._client.emit(event, data, self.name, None if on_ack is None else acknowledged)
        except socketio.exceptions.SocketIOError as error:
            raise ConnectionEnded from error
        self._unacknowledged += on_ack is not None

    def call(self, event: str, data: object = None, timeout_seconds: float | None = None) -> Any:
        """Send an event and wait for its acknowledgement's data. Raises ConnectionEnded, TimedOut."""
        try:
            return self._client.call(event, data, self.name, timeout_seconds or self._timeout_seconds)
        except socketio.exceptions.TimeoutError as error:
            raise (ConnectionEnded() if self._over.is_set() else TimedOut()) from error
        except socketio.exceptions.SocketIOError as error:
            raise ConnectionEnded from error

    def listen(self) -> None:
        """Wait until the connection ends: ConnectionEnded."""
        self._over.wait()
        raise ConnectionEnded

    @property
    def unacknowledged(self) -> int:
        """Events sent whose acknowledgement is still to come."""
        return self._unacknowledged

    def leave(self) -> None:
        """Disconnect politely."""
        self.close()

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(socketio.exceptions.SocketIOError, OSError):
            self._client.disconnect()
        self._over.set()
        self._session.close()
