"""HTTP sessions that keep two times for every request: from its intended start and from its actual one.

A client of our own on httptools' parser rather than ``FastHttpUser``'s: that one silently repeats a GET whose
connection broke (which would hide exactly the failures to be found) and follows redirects to any host.
"""

from __future__ import annotations

import json
import select
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urljoin, urlsplit

import gevent
import httptools
from gevent import monkey

from harness.errors import GeneratorError
from harness.loadgen.arrivals import ArrivalUser
from harness.loadgen.net import (
    FAILURES,
    ConnectionEnded,
    Origin,
    ProtocolError,
    TimedOut,
    error_kind,
    own_mistake,
)
from harness.loadgen.recorder import Endpoint

PROBE_HEADER = "X-Proofload-Probe"
USER_AGENT = "proofload-generator"

_MAX_BODY_BYTES = 64 * 1024 * 1024
_READ_BYTES = 64 * 1024
_MAX_REDIRECTS = 5


@dataclass(slots=True)
class Reply:
    """A response, or ``error`` that says in a few words why there is none that is any good."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str = ""

    @property
    def ok(self) -> bool:
        """Whether it was what was asked for."""
        return not self.error

    @property
    def json(self) -> Any:
        """The body, decoded; None when it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class HttpConnection:
    """One keep-alive connection, opened when first needed and again after the server closed it between requests."""

    def __init__(self, origin: Origin, timeout_seconds: float) -> None:
        self._origin = origin
        self._timeout = timeout_seconds
        self._sock: Any = None

    def exchange(self, method: str, path: str, headers: Mapping[str, str], body: Sequence[bytes]) -> Reply:
        """Send a request and read its response. Raises one of ``FAILURES``; the connection is then closed."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._origin.host_header}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body or method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {sum(len(part) for part in body)}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        timeout = gevent.Timeout.start_new(self._timeout, TimedOut())
        finished = False
        try:
            if self._sock is not None and _readable(self._sock):
                self.close()  # readable while idle: the server has closed it in the pause, as any browser would notice
            if self._sock is None:
                self._sock = self._origin.connect(self._timeout)
            if body and len(body) == 1 and len(body[0]) < _READ_BYTES:
                self._sock.sendall(head + body[0])
            else:
                self._sock.sendall(head)
                for part in body:
                    self._sock.sendall(part)
            response = _Response()
            while not response.complete:
                data = self._sock.recv(_READ_BYTES)
                if not data:
                    raise ConnectionEnded
                response.feed(data)
            finished = response.keep_alive
            return response.reply()
        finally:
            timeout.close()
            if not finished:
                self.close()

    def close(self) -> None:
        """Close the connection."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None


# Not gevent's: it yields. And not select(): that one knows no descriptor above 1023.
_poll = monkey.get_original("select", "poll")


def _readable(sock: Any) -> bool:
    poll = _poll()
    poll.register(sock.fileno(), select.POLLIN)
    return bool(poll.poll(0))


class _Response:
    """Collects one response from httptools' callbacks."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self.complete = False
        self.keep_alive = False

    def feed(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, data: bytes) -> None:
        self._body += data
        if len(self._body) > _MAX_BODY_BYTES:
            raise ProtocolError("the response is too large")

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() >= 200:
            self.complete = True
            self.keep_alive = self._parser.should_keep_alive()
        else:  # 1xx: the real response follows
            self._headers.clear()

    def reply(self) -> Reply:
        body = bytes(self._body)
        if self._headers.get("content-encoding") == "gzip":
            inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
            try:
                body = inflate.decompress(body, _MAX_BODY_BYTES)
            except zlib.error as error:
                raise ProtocolError("broken gzip") from error
        return Reply(self._parser.get_status_code(), self._headers, body)


def request_plainly(
    origin: Origin, method: str, path: str, *, headers: Mapping[str, str] | None = None, json_body: object = None
) -> Any:
    """A request of the preparation: not recorded, on a connection of its own; its decoded JSON.

    Raises GeneratorError when it fails: a load that cannot even be prepared would measure nothing.
    """
    sent = {"User-Agent": USER_AGENT, "Accept": "application/json", **(headers or {})}
    body: tuple[bytes, ...] = ()
    if json_body is not None:
        sent["Content-Type"] = "application/json"
        body = (json.dumps(json_body).encode(),)
    connection = HttpConnection(origin, 30.0)
    hint = "is the system under load up, and seeded?"
    try:
        reply = connection.exchange(method, path, sent, body)
    except FAILURES as error:
        raise GeneratorError(f"{method} {path} failed: {error_kind(error)}", origin.host_header, hint) from error
    finally:
        connection.close()
    if reply.status >= 300 or reply.json is None:
        raise GeneratorError(f"{method} {path} answered HTTP {reply.status}", origin.host_header, hint)
    return reply.json


class HttpFlowUser(ArrivalUser):
    """A session of HTTP requests, each recorded under its endpoint's name.

    A new session is a new person at a new browser: it has its own TCP connection, and shares nothing with the session
    that this user carried out before.
    """

    abstract = True
    first_step: ClassVar[tuple[str, str]] = ("POST /login", "http")

    def begin_session(self) -> None:
        """A new browser."""
        self.token = ""
        self._connection = HttpConnection(self.generator.origin, self.generator.settings.request_timeout_seconds)
        self._ready = self.intended
        self._first = True
        self.last_intended = self.last_began = self.intended

    def end_session(self) -> None:
        """The browser is closed."""
        self._connection.close()

    def get(self, path: str, endpoint: str, **options: Any) -> Reply:
        """``request`` with GET."""
        return self.request("GET", path, endpoint, **options)

    def post(self, path: str, endpoint: str, **options: Any) -> Reply:
        """``request`` with POST."""
        return self.request("POST", path, endpoint, **options)

    def put(self, path: str, endpoint: str, **options: Any) -> Reply:
        """``request`` with PUT."""
        return self.request("PUT", path, endpoint, **options)

    def request(
        self,
        method: str,
        path: str,
        endpoint: str,
        *,
        json_body: object = None,
        body: Sequence[bytes] = (),
        content_type: str = "",
        expect: int = 200,
        check: Callable[[Reply], bool] | None = None,
        kind: str = "http",
        follow_redirects: bool = False,
        pause_seconds: float | None = None,
    ) -> Reply:
        """One step of the session: think, send, check, record.

        The first step was meant to start when the session was, each further one when the one before had ended and the
        person had thought (``pause_seconds``, else the plan's think time). ``check`` says whether a response of the
        ``expect``-ed status has the right content. A redirect is an error, unless ``follow_redirects``; even then
        only one to the very same scheme, host and port is followed, since no other host was allowed to be loaded.
        """
        row = self.endpoint(endpoint, kind)
        if json_body is not None:
            body, content_type = (json.dumps(json_body).encode(),), "application/json"
        headers = self._headers(content_type)
        intended = self._think(pause_seconds)
        meter = self.generator.meter
        began = meter.begin()
        self.last_intended, self.last_began = intended, began / 1e9
        ended, good, reply = 0, False, Reply(error="unfinished")
        own = ""
        try:
            reply = self._exchange(method, path, headers, body, follow_redirects)
            reply.error = reply.error or _wrong(reply, expect, check)
            good = reply.ok
        except FAILURES as error:
            own = own_mistake(error)
            reply = Reply(error=own or error_kind(error))
        finally:
            # Also reached when the user is killed at the end of the load: the request is then recorded as unfinished.
            ended = meter.end(began, good=good)
            self._ready = ended / 1e9
            self._record(row, (intended, began / 1e9, ended / 1e9), reply, own)
        return reply

    def _think(self, pause_seconds: float | None) -> float:
        """Wait until this step is due; when it was meant to start."""
        if self._first:
            self._first = False
            return self._ready
        if pause_seconds is None:
            pause_seconds = self.random.uniform(*self.generator.settings.think_seconds)
        intended = self._ready + pause_seconds
        gevent.sleep(max(0.0, pause_seconds))
        return intended

    def _headers(self, content_type: str) -> dict[str, str]:
        headers = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "gzip"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if content_type:
            headers["Content-Type"] = content_type
        if self.arrival.probe:
            headers[PROBE_HEADER] = "1"
        return headers

    def _exchange(
        self, method: str, path: str, headers: dict[str, str], body: Sequence[bytes], follow_redirects: bool
    ) -> Reply:
        origin = self.generator.origin
        reply = self._connection.exchange(method, path, headers, body)
        for _ in range(_MAX_REDIRECTS):
            if not 300 <= reply.status < 400 or "location" not in reply.headers:
                return reply
            location = reply.headers["location"]
            if not origin.holds(location):
                reply.error = "redirect to another host"
                return reply
            if not follow_redirects:
                return reply
            target = urlsplit(urljoin(path, location))
            path = (target.path or "/") + (f"?{target.query}" if target.query else "")
            reply = self._connection.exchange("GET", path, headers, ())
        reply.error = "too many redirects"
        return reply

    def _record(self, row: Endpoint, times: tuple[float, float, float], reply: Reply, own: str) -> None:
        intended, began, ended = times
        # The clock's two readings are a float and an integer of nanoseconds: never let rounding make a time negative.
        service = max(0.0, ended - began)
        response = max(service, ended - intended)
        if reply.ok:
            self.generator.good(row, intended, response, service, len(reply.body))
            return
        self.session_failed = True
        if own:
            self.generator.own_mistake(own)
        else:
            self.generator.bad(row, intended, reply.error, response, service)


def _wrong(reply: Reply, expect: int, check: Callable[[Reply], bool] | None) -> str:
    """What is wrong with a response, empty when nothing is."""
    if reply.status != expect:
        return f"HTTP {reply.status}"
    try:
        return "" if check is None or check(reply) else "wrong content"
    except (LookupError, TypeError, ValueError, AttributeError):
        return "wrong content"  # of a shape that the check could not even look at
