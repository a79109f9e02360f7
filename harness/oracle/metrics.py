"""What a server says of itself, honestly or not. Pure: times are arguments.

Each server has ``/metrics`` in the Prometheus text format and ``/nginx_status`` in nginx's. The liar goes on working
and only its numbers lie, which is what makes it hard to notice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Lie:
    """When the numbers begin to lie, in seconds after the first request; None: never.

    freeze: from then on they never change. reset: the counters start again at zero, once.
    """

    freeze_after_seconds: float | None = None
    reset_after_seconds: float | None = None

    def __post_init__(self) -> None:
        for seconds in (self.freeze_after_seconds, self.reset_after_seconds):
            if seconds is not None and seconds < 0:
                raise ValueError("a lie cannot begin before the first request")


@dataclass(frozen=True, slots=True)
class Numbers:
    """Counters since the start, and how many requests are under way."""

    requests: int = 0
    request_seconds: float = 0.0
    in_flight: int = 0


class Meter:
    """Counts requests, and tells what it has counted."""

    def __init__(self, lie: Lie) -> None:
        self._lie = lie
        self._true = Numbers()
        self._base = Numbers()
        self._frozen: Numbers | None = None
        self._first_seconds: float | None = None
        self._was_reset = False

    @property
    def true(self) -> Numbers:
        """What really happened."""
        return self._true

    def begin(self, at_seconds: float) -> None:
        """A request arrived."""
        if self._first_seconds is None:
            self._first_seconds = at_seconds
        self._lie_if_due(at_seconds)
        self._true = replace(self._true, in_flight=self._true.in_flight + 1)

    def end(self, at_seconds: float, seconds: float) -> None:
        """A request was answered after so long."""
        self._lie_if_due(at_seconds)
        was = self._true
        self._true = Numbers(was.requests + 1, was.request_seconds + seconds, was.in_flight - 1)

    def told(self, at_seconds: float) -> Numbers:
        """What it says at that time."""
        self._lie_if_due(at_seconds)
        return self._frozen or self._since_reset()

    def _since_reset(self) -> Numbers:
        now, base = self._true, self._base
        return Numbers(now.requests - base.requests, now.request_seconds - base.request_seconds, now.in_flight)

    def _lie_if_due(self, at_seconds: float) -> None:
        """Before anything changes, so that the lie begins with the numbers of its moment."""
        if self._first_seconds is None:
            return
        since = at_seconds - self._first_seconds
        lie = self._lie
        if lie.reset_after_seconds is not None and not self._was_reset and since >= lie.reset_after_seconds:
            self._was_reset, self._base = True, self._true
        if lie.freeze_after_seconds is not None and self._frozen is None and since >= lie.freeze_after_seconds:
            self._frozen = self._since_reset()


def prometheus_text(numbers: Numbers) -> str:
    """``/metrics``."""
    return (
        "# HELP oracle_request_seconds Time from a request's arrival to its answer\n"
        "# TYPE oracle_request_seconds histogram\n"
        f'oracle_request_seconds_bucket{{le="+Inf"}} {numbers.requests}\n'
        f"oracle_request_seconds_count {numbers.requests}\n"
        f"oracle_request_seconds_sum {numbers.request_seconds:.9f}\n"
        "# HELP oracle_requests_in_flight Requests begun and not answered\n"
        "# TYPE oracle_requests_in_flight gauge\n"
        f"oracle_requests_in_flight {numbers.in_flight}\n"
    )


def nginx_text(numbers: Numbers) -> str:
    """``/nginx_status``: a request is as good as a connection here, and the one that asks is counted as nginx does."""
    total, active = numbers.requests + numbers.in_flight + 1, numbers.in_flight + 1
    return (
        f"Active connections: {active} \nserver accepts handled requests\n {total} {total} {total} \n"
        f"Reading: 0 Writing: {active} Waiting: 0 \n"
    )
