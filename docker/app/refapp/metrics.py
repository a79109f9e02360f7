"""What the application says about itself, gathered over all workers through ``PROMETHEUS_MULTIPROC_DIR``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, g, has_request_context, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Summary,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_REQUEST_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_QUERY_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.5, 2.0, 10.0, 30.0)

REQUEST_SECONDS = Histogram(
    "refapp_request_seconds",
    "Time in the application, by endpoint, method and class of status; its own endpoints are left out",
    ("endpoint", "method", "status"),
    buckets=_REQUEST_BUCKETS,
)
QUERY_SECONDS = Histogram("refapp_query_seconds", "Time of a database statement", buckets=_QUERY_BUCKETS)
IN_FLIGHT = Gauge("refapp_requests_in_flight", "Requests begun and not answered", multiprocess_mode="livesum")
REQUEST_STATEMENTS = Summary(
    "refapp_request_statements",
    "Database statements of a request that sent any, by method and route: one answered from the cache sends none",
    ("endpoint",),
)
POOL_WAIT_SECONDS = Summary("refapp_pool_wait_seconds", "Time until the process's pool gave a database connection")
CONNECTIONS_REFUSED = Counter("refapp_connections_refused", "Connections refused by a database that has no more")
SOCKETS_OPEN = Gauge("refapp_sockets_open", "Socket.IO connections", multiprocess_mode="livesum")
HUB_LAG_SECONDS = Gauge(
    "refapp_hub_lag_seconds",
    "How late the event loop of a worker ran at worst, in the last second",
    multiprocess_mode="liveall",
)

UNMEASURED = frozenset({"health.healthz", "health.readyz", "metrics"})
"""Asked by samplers, not by users: counting them would dilute what users get."""
_CONVERTER = re.compile(r"<[^>]*>")


def count_statement() -> None:
    """A statement was sent: on behalf of the request under way, where there is one (a job has none)."""
    if has_request_context():
        g.statements = g.get("statements", 0) + 1


def route(method: str, rule: str) -> str:
    """``GET /api/meetings/:id``: as many names as there are routes, whatever is asked for."""
    return f"{method} {_CONVERTER.sub(':id', rule)}"


def measure_requests(app: Flask) -> None:
    """Count and time every request that Flask answers, and serve ``/metrics``."""

    @app.before_request
    def start_clock() -> None:
        g.started = perf_counter()

    @app.after_request
    def stop_clock(response: Response) -> Response:
        endpoint = request.endpoint or "unknown"
        if endpoint not in UNMEASURED:
            labels = REQUEST_SECONDS.labels(endpoint, request.method, f"{response.status_code // 100}xx")
            labels.observe(perf_counter() - g.started)
            if request.url_rule is not None and (statements := g.get("statements", 0)):
                REQUEST_STATEMENTS.labels(route(request.method, request.url_rule.rule)).observe(statements)
        return response

    @app.get("/metrics", endpoint="metrics")
    def metrics() -> Response:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    app.wsgi_app = _count_in_flight(app.wsgi_app)  # type: ignore[assignment, method-assign]


def _count_in_flight(inner: WSGIApplication) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]:
    def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        IN_FLIGHT.inc()
        try:
            return inner(environ, start_response)
        finally:
            IN_FLIGHT.dec()

    return application
