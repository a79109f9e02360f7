"""A stand-in for the external transcription service, which keeps the limits that the plan names: requests per minute,
requests at once, size of a file. ``python -m refapp.products.mina.whisper --port 9000 --per-minute 500``.

It says of each file how long it is, and takes as long as it is told: a simulated service, and it says so.
"""

from __future__ import annotations

import argparse
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import gevent
from gevent.pywsgi import WSGIServer

BYTES_PER_SECOND = 32_000
"""16 kHz, 16 bits."""
MINUTE_SECONDS = 60.0

Start = Callable[[str, list[tuple[str, str]]], object]


@dataclass
class Limits:
    """What is allowed, and what has been asked for. clock: monotonic seconds."""

    per_minute: int
    at_once: int
    file_bytes: int
    clock: Callable[[], float] = time.monotonic
    _asked: deque[float] = field(default_factory=deque)
    _under_way: int = 0

    def admit(self, size_bytes: int) -> tuple[str, float]:
        """The status of a request of that size, and how many seconds later to ask again. Admitted ones must be given
        back with ``release``."""
        if size_bytes > self.file_bytes:
            return "413 Payload Too Large", 0.0
        now = self.clock()
        while self._asked and self._asked[0] <= now - MINUTE_SECONDS:
            self._asked.popleft()
        if len(self._asked) >= self.per_minute:
            return "429 Too Many Requests", self._asked[0] + MINUTE_SECONDS - now
        if self._under_way >= self.at_once:
            return "429 Too Many Requests", 1.0
        self._asked.append(now)
        self._under_way += 1
        return "200 OK", 0.0

    def release(self) -> None:
        """An admitted request has been answered."""
        self._under_way -= 1


def application(limits: Limits, seconds: float) -> Callable[[dict[str, object], Start], Iterable[bytes]]:
    """The service as WSGI."""

    def answer(environ: dict[str, object], start: Start) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "GET":
            start("200 OK", [("Content-Type", "text/plain")])
            return [b"a simulated transcription service\n"]
        body = environ["wsgi.input"].read()  # type: ignore[attr-defined]
        status, later = limits.admit(len(body))
        if status != "200 OK":
            start(status, [("Content-Type", "text/plain"), ("Retry-After", f"{max(later, 0.1):.1f}")])
            return [status.encode()]
        try:
            gevent.sleep(seconds)
        finally:
            limits.release()
        start(status, [("Content-Type", "text/plain; charset=utf-8")])
        return [f"{len(body) / BYTES_PER_SECOND:.1f} seconds of speech".encode()]

    return answer


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--per-minute", type=int, default=500)
    parser.add_argument("--at-once", type=int, default=10)
    parser.add_argument("--file-bytes", type=int, default=25_000_000)
    parser.add_argument("--seconds", type=float, default=1.0)
    arguments = parser.parse_args()
    limits = Limits(arguments.per_minute, arguments.at_once, arguments.file_bytes)
    server = WSGIServer((arguments.address, arguments.port), application(limits, arguments.seconds), log=None)
    gevent.signal_handler(signal.SIGTERM, server.stop)
    server.serve_forever()


if __name__ == "__main__":
    main()
