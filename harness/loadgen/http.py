"""HTTP sessions that keep two times for every request: from its intended start and from its actual one.

A client of our own (client.py) rather than ``FastHttpUser``'s: that one silently repeats a GET whose connection
broke (which would hide exactly the failures to be found) and follows redirects to any host.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar

from harness.errors import GeneratorError
from harness.loadgen.arrivals import ArrivalUser
from harness.loadgen.http_client.body import Body, of_bytes, of_json
from harness.loadgen.http_client.client import REDIRECTS, HttpClient
from harness.loadgen.http_client.response import Response
from harness.loadgen.http_client.session import Session
from harness.loadgen.http_client.session_response import SessionResponse
from harness.loadgen.net import FAILURES, Origin, error_kind, own_mistake
from harness.loadgen.recorder import Endpoint

PROBE_HEADER = "X-Proofload-Probe"

_MAX_REDIRECTS = 5
_PROBE = ((PROBE_HEADER, "1"),)

_endpoint = lru_cache(maxsize=4096)(Endpoint)
"""The same object for each request of a kind: making one takes longer than recording it."""


class Reply(Response):
    """A response, or ``error`` that says in a few words why there is none that is any good."""

    __slots__ = ("error",)

    def __init__(self, error: str = "") -> None:
        super().__init__()
        self.error = error

    @property
    def ok(self) -> bool:
        """Whether it was what was asked for."""
        return not self.error

    @property
    def json(self) -> Any:
        """The body, decoded once; None when it is no JSON."""
        try:
            return self.decoded_json()
        except ValueError:
            return None


def request_plainly(
    origin: Origin, method: str, path: str, *, headers: Mapping[str, str] | None = None, json_body: object = None
) -> Any:
    """A request of the preparation: not recorded, on a connection of its own; its decoded JSON.

    Raises GeneratorError when it fails: a load that cannot even be prepared would measure nothing.
    """
    client = HttpClient(origin, 30.0, standing={"Accept": "application/json", **(headers or {})})
    hint = "is the system under load up, and seeded?"
    reply = Reply()
    try:
        client.send(method, path, reply, body=None if json_body is None else of_json(json_body))
    except FAILURES as error:
        raise GeneratorError(f"{method} {path} failed: {error_kind(error)}", origin.host_header, hint) from error
    finally:
        client.close()
    if reply.status >= 300 or reply.json is None:
        raise GeneratorError(f"{method} {path} answered HTTP {reply.status}", origin.host_header, hint)
    return reply.json


class HttpFlowUser(ArrivalUser):
    """A session of HTTP requests, each recorded under its endpoint's name.

    A new session is a new person at a new browser: it has its own TCP connection and cookies, and shares nothing with
    the session that this user carried out before.
    """

    abstract = True
    first_step: ClassVar[tuple[str, str]] = ("POST /login", "http")

    def begin_session(self) -> None:
        """A new browser."""
        self.token = ""
        generator = self.generator
        self._browser = HttpClient(generator.origin, generator.settings.request_timeout_seconds)
        self._session: FlowSession | None = None
        self._ready = self.intended
        self._first = True
        self.last_intended = self.last_began = self.intended

    def end_session(self) -> None:
        """The browser is closed."""
        self._browser.close()

    def get(
        self,
        path: str,
        endpoint: str,
        *,
        expect: int = 200,
        check: Callable[[Reply], bool] | None = None,
        kind: str = "http",
        follow_redirects: bool = False,
        pause_seconds: float | None = None,
    ) -> Reply:
        """``request`` with GET.

        Each option by its name: a call with ``**options`` takes half a kilobyte of every waiting user's stack.
        """
        return self.request(
            "GET",
            path,
            endpoint,
            expect=expect,
            check=check,
            kind=kind,
            follow_redirects=follow_redirects,
            pause_seconds=pause_seconds,
        )

    def post(self, path: str, endpoint: str, **options: Any) -> Reply:
        """``request`` with POST."""
        return self.request("POST", path, endpoint, **options)

    def put(self, path: str, endpoint: str, **options: Any) -> Reply:
        """``request`` with PUT."""
        return self.request("PUT", path, endpoint, **options)

    @property
    def client(self) -> FlowSession:
        """The same browser with the interface of Locust's ``self.client``, recorded as everything else is."""
        if self._session is None:
            self._session = FlowSession(self, self._browser)
        return self._session

    def request(
        self,
        method: str,
        path: str,
        endpoint: str,
        *,
        json_body: object = None,
        body: Sequence[bytes] | Body = (),
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
        arrival, generator = self.arrival, self.generator
        row = _endpoint(endpoint, self.flow, kind, arrival.probe)
        sent: Body | None = None
        if json_body is not None:
            sent = of_json(json_body)
        elif isinstance(body, Body):
            sent = body
        elif body:
            sent = of_bytes(body, content_type)
        headers = self.standing_headers() if self.token or arrival.probe else ()
        if self._first:
            self._first = False
            intended = self._ready
        else:
            intended = self._think(pause_seconds)
        meter = generator.meter
        began_ns = meter.begin()
        self.last_intended, self.last_began = intended, began_ns / 1e9
        ended_ns, good, reply = 0, False, Reply("unfinished")
        own = ""
        try:
            redirects = _MAX_REDIRECTS if follow_redirects else 0
            # The end is when the answer had come; what we have to do with it is no part of its time.
            ended_ns = self._browser.send(
                method, path, reply, headers=headers, body=sent, redirects=redirects
            ).received_at
            reply.error = (
                "" if check is None and reply.plain and reply.status == expect else self._wrong(reply, expect, check)
            )
            good = not reply.error
        except FAILURES as error:
            own = own_mistake(error)
            reply = Reply(own or error_kind(error))
        finally:
            # Also reached when the user is killed at the end of the load: the request is then recorded as unfinished.
            ended_ns = meter.end(began_ns, good=good, at=ended_ns)
            self._ready = ended = ended_ns / 1e9
            if good:  # as ``record``, without a call in between
                service = (ended_ns - began_ns) / 1e9
                response = ended - intended
                generator.good(row, intended, response if response > service else service, service, len(reply.body))
            else:
                self.record(row, (intended, began_ns / 1e9, ended), reply.error, len(reply.body), own)
        return reply

    def standing_headers(self) -> tuple[tuple[str, str], ...]:
        """Those of every request of this session."""
        if self.token:
            bearer = ("Authorization", f"Bearer {self.token}")
            return (bearer, *_PROBE) if self.arrival.probe else (bearer,)
        return _PROBE if self.arrival.probe else ()

    def _think(self, pause_seconds: float | None) -> float:
        """Wait until a step that is not the first is due; when it was meant to start."""
        if pause_seconds is None:
            pause_seconds = self.random.uniform(*self.generator.settings.think_seconds)
        intended = self._ready + pause_seconds
        self.generator.alarm.sleep_until(intended)
        return intended

    def due(self, now: float) -> float:
        """When a request of ``client`` that is sent now was meant to start: the first one when the session was. Before
        the others the flow pauses by itself."""
        if self._first:
            self._first = False
            return self._ready
        return now

    def record(self, row: Endpoint, times: tuple[float, float, float], error: str, length: int, own: str = "") -> None:
        """Write down a request of this session. times: intended start, start and end; own: our own mistake."""
        intended, began, ended = times
        # The clock's two readings are a float and an integer of nanoseconds: never let rounding make a time negative.
        service = max(0.0, ended - began)
        response = max(service, ended - intended)
        if not error:
            self.generator.good(row, intended, response, service, length)
            return
        self.session_failed = True
        if own:
            self.generator.own_mistake(own)
        else:
            self.generator.bad(row, intended, error, response, service)

    def _wrong(self, reply: Reply, expect: int, check: Callable[[Reply], bool] | None) -> str:
        """What is wrong with a response, empty when nothing is."""
        if reply.status in REDIRECTS and not self.generator.origin.holds(reply.headers.get("location", "")):
            return "redirect to another host"
        if reply.status != expect:
            return f"HTTP {reply.status}"
        try:
            return "" if check is None or check(reply) else "wrong content"
        except (LookupError, TypeError, ValueError, AttributeError):
            return "wrong content"  # of a shape that the check could not even look at


class FlowSession(Session):
    """Locust's ``self.client`` in a session of a plan's flow: each request is a step, recorded by its ``name``."""

    __slots__ = ("_user",)

    def __init__(self, user: HttpFlowUser, browser: HttpClient) -> None:
        origin = browser.origin
        super().__init__(f"{origin.scheme}://{origin.host_header}", browser, _nobody, max_redirects=_MAX_REDIRECTS)
        self._user = user

    def _own_headers(self) -> tuple[tuple[str, str], ...]:
        return self._user.standing_headers()

    def _perform(self, response: SessionResponse, method: str, path: str, **options: Any) -> None:
        user = self._user
        began = user.generator.meter.begin()
        response.intended = user.due(began / 1e9)
        response.meter = began
        try:
            super()._perform(response, method, path, **options)
        except Exception as error:  # no request at all: a mistake of the flow's
            self._count(response, "unsent", type(error).__name__)
            raise
        except BaseException:  # killed at the end of the load
            self._count(response, "unfinished")
            raise

    def _report(self, response: SessionResponse) -> None:
        exception: Exception | None = response.request_meta["exception"]
        own = ""
        if exception is None:
            error = ""
        elif exception is response.error and not response.status:
            own = own_mistake(exception)
            error = own or error_kind(exception)
        else:
            error = f"HTTP {response.status}" if exception is response.error else "wrong content"
        self._count(response, error, own)

    def _drop(self, response: SessionResponse, error: BaseException) -> None:
        self._count(response, "wrong content" if isinstance(error, Exception) else "unfinished")

    def _count(self, response: SessionResponse, error: str, own: str = "") -> None:
        user = self._user
        user.generator.meter.end(response.meter, good=not error)
        ended = response.ended or time.monotonic()
        name = response.request_meta.get("name") or response.url
        row = user.endpoint(str(name))
        user.record(row, (response.intended, response.began, ended), error, len(response.body), own)


def _nobody(**_: Any) -> None:
    """Locust's event is fired by the generator, with everything that is recorded."""
