from __future__ import annotations

import http.client
from collections.abc import Mapping
from typing import Any

import pytest

from harness.samplers.connection import HttpConnection, RedisConnection
from harness.store.read import SAMPLER_USER_AGENT


class Response:
    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self._body = body

    def read(self) -> bytes:
        return self._body


class FakeHttp:
    """An HTTPConnection without a socket: answers what the script says, in turn."""

    script: list[Response | Exception]
    requests: list[tuple[str, str, Mapping[str, str]]]
    opened: int

    def __init__(self, host: str, port: int, timeout: float) -> None:
        self.address = (host, port)
        self.sock: object | None = None
        assert timeout > 0

    def request(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        if self.sock is None:
            self.sock = object()
            type(self).opened += 1
        self.requests.append((method, path, headers))

    def getresponse(self) -> Response:
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        self.sock = None


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeHttp]:
    FakeHttp.script, FakeHttp.requests, FakeHttp.opened = [], [], 0
    monkeypatch.setattr(http.client, "HTTPConnection", FakeHttp)
    return FakeHttp


def test_one_connection_serves_many_requests_under_our_name(fake: type[FakeHttp]) -> None:
    fake.script = [Response(200, b"one"), Response(200, b"two")]
    connection = HttpConnection("http://127.0.0.1:8080/nginx_status?x=1")
    assert (connection.get(), connection.get()) == (b"one", b"two")
    assert fake.opened == 1
    assert fake.requests[0] == ("GET", "/nginx_status?x=1", {"User-Agent": SAMPLER_USER_AGENT})


def test_a_connection_that_the_server_ended_while_idle_is_opened_again(fake: type[FakeHttp]) -> None:
    fake.script = [Response(200, b"one"), http.client.RemoteDisconnected(), Response(200, b"two")]
    connection = HttpConnection("http://127.0.0.1/")
    assert (connection.get(), connection.get()) == (b"one", b"two")
    assert fake.opened == 2


def test_a_server_that_ends_a_new_connection_is_an_error(fake: type[FakeHttp]) -> None:
    fake.script = [http.client.RemoteDisconnected("ended"), Response(200, b"never asked")]
    with pytest.raises(http.client.RemoteDisconnected):
        HttpConnection("http://127.0.0.1/").get()
    assert len(fake.requests) == 1


def test_a_late_answer_is_not_asked_for_twice(fake: type[FakeHttp]) -> None:
    fake.script = [Response(200, b"one"), TimeoutError("timed out"), Response(200, b"never asked")]
    connection = HttpConnection("http://127.0.0.1/")
    connection.get()
    with pytest.raises(TimeoutError):
        connection.get()
    assert len(fake.requests) == 2


def test_an_error_page_is_an_error(fake: type[FakeHttp]) -> None:
    fake.script = [Response(502, b"<html>"), Response(200, b"fine")]
    connection = HttpConnection("http://127.0.0.1/")
    with pytest.raises(http.client.HTTPException, match="answered 502"):
        connection.get()
    assert connection.get() == b"fine"
    assert fake.opened == 2


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "127.0.0.1:80/metrics", "http:///metrics"])
def test_only_http_can_be_asked(url: str) -> None:
    with pytest.raises(ValueError, match="http://"):
        HttpConnection(url)


class FakeRedis:
    """The wire of a Redis connection."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.answers: list[Any] = []
        self.disconnected = 0

    def pack_commands(self, commands: Any) -> list[Any]:
        return list(commands)

    def send_packed_command(self, packed: Any) -> None:
        self.sent.append(packed)

    def read_response(self) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def disconnect(self) -> None:
        self.disconnected += 1


def redis_connection(wire: FakeRedis) -> RedisConnection:
    connection = RedisConnection("redis://127.0.0.1:1/0")
    connection._connection = wire
    return connection


def test_commands_go_out_together_and_replies_come_in_order() -> None:
    wire = FakeRedis()
    wire.answers = [1, b"two"]
    assert redis_connection(wire).replies(("LLEN", "a"), ("LINDEX", "a", "-1")) == [1, b"two"]
    assert wire.sent == [[("LLEN", "a"), ("LINDEX", "a", "-1")]]


def test_no_command_is_no_round_trip() -> None:
    wire = FakeRedis()
    assert redis_connection(wire).replies() == []
    assert wire.sent == []


def test_a_failed_reply_ends_the_connection_so_that_the_next_one_is_not_out_of_step() -> None:
    wire = FakeRedis()
    wire.answers = [TimeoutError("late"), b"the late one"]
    with pytest.raises(TimeoutError):
        redis_connection(wire).replies(("PING",))
    assert wire.disconnected == 1
