"""What is measured, and what must be reached: every row of the table, each group and claim one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks import at_rest, flat_out, growth, open_model, recording_cost
from tests.benchmarks.figures import Claim
from tests.benchmarks.setting import Setting

OURS = "proofload"


@dataclass(frozen=True, slots=True)
class Contestant:
    """measure: one reading. needs: names of peers without which there is none."""

    name: str
    measure: Callable[[Setting], float]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Contestants that are measured in turn, run by run, for one quantity."""

    name: str
    title: str
    unit: str
    contestants: tuple[Contestant, ...]


GROUPS: tuple[Group, ...] = (
    Group(
        "get",
        "GET of 55 bytes, closed loop, 50 users, one core",
        "requests/s",
        (
            Contestant(OURS, flat_out.get_ours, ("nginx",)),
            Contestant("k6", flat_out.get_k6, ("nginx", "k6")),
            Contestant("locust", flat_out.get_stock, ("nginx", "locust")),
            Contestant("wrk", flat_out.get_wrk, ("nginx", "wrk")),
            Contestant("ab", flat_out.get_ab, ("nginx", "ab")),
        ),
    ),
    Group(
        "open",
        "Open model, highest rate held",
        "requests/s",
        (
            Contestant(OURS, open_model.rate_ours, ("nginx",)),
            Contestant("k6", open_model.rate_k6, ("nginx", "k6")),
        ),
    ),
    Group(
        "post",
        "POST of JSON, 1 KB of JSON back, parsed and checked, 50 users",
        "requests/s",
        (
            Contestant(OURS, flat_out.post_ours, ("nginx",)),
            Contestant("k6", flat_out.post_k6, ("nginx", "k6")),
        ),
    ),
    Group(
        "upload",
        "5 MB multipart upload",
        "MB per CPU second",
        (
            Contestant(OURS, flat_out.upload_ours),
            Contestant("k6", flat_out.upload_k6, ("k6",)),
        ),
    ),
    Group(
        "echo",
        "Socket.IO, acknowledged messages, 200 connections",
        "messages/s",
        (
            Contestant(OURS, flat_out.echo_ours),
            Contestant("artillery", flat_out.echo_artillery, ("artillery",)),
        ),
    ),
    Group(
        "echo-node",
        "The same on socket.io's own server, whose speed it is",
        "messages/s",
        (
            Contestant(OURS, flat_out.echo_ours_on_node, ("socket.io",)),
            Contestant("artillery", flat_out.echo_artillery_on_node, ("socket.io", "artillery")),
        ),
    ),
    Group(
        "news",
        "Socket.IO, broadcasts received, 200 connections",
        "broadcasts/s",
        (
            Contestant(OURS, flat_out.news_ours, ("socket.io",)),
            Contestant("python-socketio", flat_out.news_python, ("socket.io", "python-socketio")),
        ),
    ),
    Group(
        "socket-memory",
        "Memory of an idle Socket.IO connection, 5,000 of them",
        "KB",
        (Contestant(OURS, at_rest.sockets_ours, ("socket.io",)),),
    ),
    Group(
        "user-memory",
        "Memory of an idle HTTP user, 10,000 of them",
        "KB",
        (
            Contestant(OURS, at_rest.http_ours, ("nginx",)),
            Contestant("locust", at_rest.http_stock, ("nginx", "locust")),
        ),
    ),
    Group(
        "connected-memory",
        "Memory of an idle HTTP user with its open connection, 10,000 of them",
        "KB",
        (
            Contestant(OURS, at_rest.connected_ours, ("nginx",)),
            Contestant("locust", at_rest.connected_stock, ("nginx", "locust")),
        ),
    ),
    Group("recording", "Recording one request", "µs", (Contestant(OURS, recording_cost.microseconds),)),
    Group(
        "service-error",
        "Service time − the server's own, p99, at half of the top rate",
        "ms",
        (Contestant(OURS, open_model.service_error, ("nginx",)),),
    ),
    Group(
        "start-error",
        "Response time − service time, p99, idle server, the same rate",
        "ms",
        (Contestant(OURS, open_model.start_error, ("nginx",)),),
    ),
    Group(
        "agree-p50",
        "p50 on a server whose p50 is 20 ms",
        "ms",
        (
            Contestant(OURS, open_model.known_p50_ours),
            Contestant("k6", open_model.known_p50_k6, ("k6",)),
        ),
    ),
    Group(
        "agree-p95",
        "p95 on a server whose p95 is 100 ms",
        "ms",
        (
            Contestant(OURS, open_model.known_p95_ours),
            Contestant("k6", open_model.known_p95_k6, ("k6",)),
        ),
    ),
    *growth.groups(Contestant, Group),
)

CLAIMS: tuple[Claim, ...] = (
    Claim("GET, closed loop, 50 users, one core ÷ k6", "get", 2.0, 3.0, over="k6"),
    Claim("the same ÷ stock Locust FastHttpUser", "get", 4.0, 6.0, over="locust"),
    Claim("the same ÷ wrk", "get", 0.30, 0.45, over="wrk"),
    Claim("open model: highest rate held ÷ k6 constant-arrival-rate", "open", 3.0, 5.0, over="k6"),
    Claim("JSON POST with a 1 KB answer parsed and checked ÷ k6", "post", 1.5, 2.5, over="k6"),
    Claim("5 MB multipart upload, MB/s per core ÷ k6", "upload", 1.5, 3.0, over="k6"),
    Claim("Socket.IO acknowledged messages/s ÷ artillery", "echo", 3.0, 4.0, over="artillery"),
    Claim("Socket.IO broadcasts received/s ÷ python-socketio client", "news", 5.0, 8.0, over="python-socketio"),
    Claim("memory per idle Socket.IO connection at 5,000", "socket-memory", 15, 8, lower=True, unit="KB"),
    Claim("memory per idle HTTP virtual user at 10,000", "user-memory", 12, 8, lower=True, unit="KB"),
    Claim("recording, per request", "recording", 2, 1, lower=True, unit="µs"),
    Claim("service-time error, p99 at 50 % of the top rate", "service-error", 1, 0.3, lower=True, unit="ms"),
    Claim("response time − service time, p99, idle server, same rate", "start-error", 2.5, 1, lower=True, unit="ms"),
    Claim("k6 and we on one known server: p50 apart", "agree-p50", 2, 2, over="k6", lower=True, apart=True, unit="%"),
    Claim("k6 and we on one known server: p95 apart", "agree-p95", 2, 2, over="k6", lower=True, apart=True, unit="%"),
)
"""The issue's table, and the agreement that goes with it."""
