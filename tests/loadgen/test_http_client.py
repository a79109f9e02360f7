"""The HTTP client against servers on loopback."""

from __future__ import annotations

import gc
import gzip
import socket
import threading
import zlib

import brotli
import gevent
import pytest

from harness.errors import ConfigError
from harness.loadgen.http_client.body import of_bytes, of_data, of_json
from harness.loadgen.http_client.client import HttpClient, RedirectRefused, Retries, TooManyRedirects
from harness.loadgen.net import FAILURES, ConnectionEnded, Origin, ProtocolError, TimedOut, error_kind
from tests.loadgen.asking import ask, client_of, fails, saying
from tests.loadgen.scripted_server import answer, answering, read_head, read_request, serving


def test_a_connection_is_kept_for_many_requests():
    with serving(answering(answer(b"hello"))) as server:
        client = client_of(server)
        for _ in range(20):
            assert ask(client).body == b"hello"
        assert server.connections == 1
        client.close()


def test_a_client_that_nobody_has_any_more_hangs_up():
    ended = threading.Event()

    def script(connection):
        read_request(connection)
        connection.sendall(answer(b"x"))
        if not connection.recv(1):
            ended.set()

    with serving(script) as server:
        ask(client_of(server))
        gc.collect()
        assert ended.wait(5)


def test_after_connection_close_another_one_is_opened():
    with serving(answering(answer(b"x", "200 OK", "Connection: close"))) as server:
        client = client_of(server)
        assert ask(client).body == ask(client).body == b"x"
        assert server.connections == 2


@pytest.mark.parametrize("pieces", [1, 3, 1000])
def test_chunked_however_it_arrives(pieces):
    body = bytes(range(256)) * 40
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:1], body[1:5000], body[5000:]))
    whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\nTrailer: x\r\n\r\n"
    size = max(1, len(whole) // pieces)

    def script(connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while read_request(connection)[0]:
            for start in range(0, len(whole), size):
                connection.sendall(whole[start : start + size])

    with serving(script) as server:
        client = client_of(server)
        assert ask(client).body == ask(client).body == body
        assert server.connections == 1
        client.close()


def _deflate_bare(data: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-15)
    return squeeze.compress(data) + squeeze.flush()


@pytest.mark.parametrize(
    ("coding", "compress"),
    [
        ("gzip", gzip.compress),
        ("gzip", lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:])),
        ("deflate", zlib.compress),
        ("deflate", _deflate_bare),
        ("br", brotli.compress),
        ("identity", lambda data: data),
    ],
)
def test_content_codings(coding, compress):
    body = b"content " * 1000
    with serving(answering(answer(compress(body), "200 OK", f"content-ENCODING: {coding}"))) as server:
        client = client_of(server)
        assert ask(client).body == body
        client.close()


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_body_that_is_not_coded_as_it_says(coding):
    script = answering(answer(b"certainly not", "200 OK", f"Content-Encoding: {coding}"))
    assert error_kind(fails(script)) == "protocol error"


def test_a_truncated_gzip_is_told():
    script = answering(answer(gzip.compress(b"content" * 100)[:-9], "200 OK", "Content-Encoding: gzip"))
    assert isinstance(fails(script), ProtocolError)


def test_a_body_up_to_the_end_of_the_connection():
    with serving(saying(b"HTTP/1.0 200 OK\r\n\r\nuntil the end")) as server:
        assert ask(client_of(server)).body == b"until the end"


def test_head_has_no_body_and_keeps_the_connection():
    def script(connection):
        while line := read_request(connection)[0]:
            connection.sendall(answer(b"12345")[: None if line.startswith("GET") else -5])

    with serving(script) as server:
        client = client_of(server)
        for _ in range(3):
            assert (ask(client, "HEAD").status, ask(client).body) == (200, b"12345")
        assert server.connections == 1
        client.close()


def test_interim_responses_are_passed_over():
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    with serving(answering(early + early + answer(b"now", "201 Created", "X-A: b"))) as server:
        client = client_of(server)
        response = ask(client)
        assert (response.status, response.body, response.headers["x-a"]) == (201, b"now", "b")
        assert "link" not in response.headers
        client.close()


def test_redirects_stay_on_the_host_and_turn_a_post_into_a_get():
    seen = []

    def script(connection):
        while True:
            line, fields, body = read_request(connection)
            if not line:
                return
            seen.append((line, body, fields.get("cookie")))
            if line.startswith("POST"):
                connection.sendall(answer(b"", "302 Found", "Location: next?a=b", "Set-Cookie: id=7; Path=/"))
            else:
                connection.sendall(answer(b"there"))

    with serving(script) as server:
        client = client_of(server)
        response = ask(client, "POST", "/a/b", body=of_json({"x": 1}), redirects=3)
        assert response.body == b"there"
        assert seen == [("POST /a/b HTTP/1.1", b'{"x": 1}', None), ("GET /a/next?a=b HTTP/1.1", b"", "id=7")]
        client.close()


def test_a_307_keeps_method_and_body():
    def script(connection):
        read_request(connection)
        connection.sendall(answer(b"", "307 Temporary Redirect", "Location: /again"))
        line, _, body = read_request(connection)
        connection.sendall(answer(line.encode() + body))

    with serving(script) as server:
        client = client_of(server)
        assert ask(client, "PUT", "/", body=of_bytes((b"kept",)), redirects=1).body == b"PUT /again HTTP/1.1kept"
        client.close()


def test_redirects_elsewhere_are_refused_unless_allowed():
    with serving(answering(answer(b"other"))) as other:
        away = answer(b"", "302 Found", f"Location: http://127.0.0.1:{other.port}/x")
        assert isinstance(fails(answering(away), redirects=5), RedirectRefused)
        assert other.connections == 0
        with serving(answering(away)) as server:
            client = client_of(server, other_hosts=True)
            assert ask(client, redirects=5).body == b"other"
            assert ask(client).status == 302
            client.close()
    assert isinstance(fails(answering(answer(b"", "301 Moved", "Location: /")), redirects=3), TooManyRedirects)


def test_a_connection_closed_in_the_pause_is_noticed_without_a_retry():
    def script(connection):
        read_request(connection)
        connection.sendall(answer(b"once"))

    with serving(script) as server:
        client, before = client_of(server), Retries.count
        assert ask(client, "POST").body == b"once"
        with gevent.Timeout(5):
            while client._connection.is_open:
                gevent.sleep(0.01)
        assert ask(client, "POST").body == b"once"
        assert (server.connections, Retries.count) == (2, before)


def closing_on_the_second(connection):
    """Takes a second request on a connection and hangs up instead of answering it."""
    read_request(connection)
    connection.sendall(answer(b"first"))
    read_head(connection)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_an_idempotent_request_on_a_used_connection_is_sent_again_and_counted(method):
    with serving(closing_on_the_second) as server:
        client, before = client_of(server), Retries.count
        ask(client)
        server.script = lambda connection: (read_request(connection), connection.sendall(answer(b"")))
        assert ask(client, method).status == 200
        assert (server.connections, Retries.count) == (2, before + 1)


def test_nothing_else_is_sent_again():
    with serving(closing_on_the_second) as server:
        client, before = client_of(server), Retries.count
        ask(client)
        with pytest.raises(ConnectionEnded):
            ask(client, "POST")  # not idempotent
        assert (server.connections, Retries.count) == (1, before)
    assert isinstance(fails(saying(b"")), ConnectionEnded)  # a fresh connection

    def half(connection):
        read_request(connection)
        connection.sendall(answer(b"first"))
        read_head(connection)
        connection.sendall(b"HTTP/1.1 2")  # something came back

    with serving(half) as server:
        client = client_of(server)
        ask(client)
        with pytest.raises(ConnectionEnded):
            ask(client)
        assert (server.connections, Retries.count) == (1, before)


def test_an_iterator_is_not_sent_again():
    with serving(closing_on_the_second) as server:
        client = client_of(server)
        ask(client)
        with pytest.raises(FAILURES):
            ask(client, "PUT", body=of_data(iter([b"a", b"b"])))
        assert server.connections == 1


def test_ipv6():
    try:
        context = serving(answering(answer(b"six")), host="::1")
        with context as server:
            client = HttpClient(Origin.parse(f"http://[::1]:{server.port}"), 5.0)
            assert ask(client).body == b"six"
            client.close()
    except OSError as error:
        pytest.skip(f"this machine has no IPv6: {error}")


def test_a_name_with_an_address_where_nobody_listens():
    with serving(answering(answer(b"local"))) as server:
        client = HttpClient(Origin.parse(f"http://localhost:{server.port}"), 5.0)
        assert ask(client).body == b"local"
        client.close()


@pytest.mark.parametrize("header", [("X-A", "b\r\nX-C: d"), ("X A", "b"), ("X-A", "☃")])
def test_a_header_that_cannot_be_is_our_mistake(header):
    with serving(answering(answer())) as server, pytest.raises(ConfigError):
        ask(client_of(server), headers=(header,))


def test_a_path_cannot_smuggle_a_second_request():
    lines = []

    def script(connection):
        while (request := read_request(connection))[0]:
            lines.append(request[0])
            connection.sendall(answer())

    with serving(script) as server:
        client = client_of(server)
        ask(client, path="/a b\r\nHost: evil\r\n\r\nGET /ü?q=ä%20#part")
        client.close()
    assert lines == ["GET /a%20b%0D%0AHost:%20evil%0D%0A%0D%0AGET%20/%C3%BC?q=%C3%A4%20 HTTP/1.1"]


def test_the_deadline_of_one_request_is_not_that_of_the_next():
    """One timer serves all requests of a connection: an early one must not fire into a later request."""

    def script(connection):
        while (request := read_request(connection))[0]:
            if "slow" in request[0]:
                threading.Event().wait(0.5)
            connection.sendall(answer(b"x"))

    with serving(script) as server:
        client = client_of(server)
        ask(client, timeout_seconds=0.3)
        assert ask(client, path="/slow", timeout_seconds=3.0).body == b"x"
        ask(client, timeout_seconds=30.0)
        with pytest.raises(TimedOut):
            ask(client, path="/slow", timeout_seconds=0.1)
        client.close()


def test_a_killed_greenlet_leaves_a_usable_client():
    with serving(lambda connection: threading.Event().wait(1)) as server:
        client = client_of(server)
        asking = gevent.spawn(ask, client)
        with gevent.Timeout(5):
            while not server.connections:
                gevent.sleep(0.01)
        asking.kill()
        server.script = answering(answer(b"after"))
        assert ask(client).body == b"after"
        client.close()


def test_an_outer_timeout_is_obeyed():
    hanging = serving(lambda connection: threading.Event().wait(1))
    with hanging as server, pytest.raises(gevent.Timeout), gevent.Timeout(0.1):
        ask(client_of(server))
