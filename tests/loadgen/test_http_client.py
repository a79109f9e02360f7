"""The HTTP client against servers on loopback, good ones and bad ones."""

from __future__ import annotations

import gc
import gzip
import socket
import ssl
import struct
import subprocess
import threading
import time
import tracemalloc
import zlib

import brotli
import gevent
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import ConfigError, GeneratorError
from harness.loadgen.http_client.body import multipart, of_bytes, of_data, of_json
from harness.loadgen.http_client.client import HttpClient, RedirectRefused, Retries, TooManyRedirects
from harness.loadgen.http_client.response import Response
from harness.loadgen.http_client.wire import came_at
from harness.loadgen.net import FAILURES, ConnectionEnded, Origin, ProtocolError, TimedOut, error_kind
from tests.loadgen.scripted_server import answer, answering, read_head, read_request, serving


def client_of(server, **options) -> HttpClient:
    return HttpClient(Origin.parse(f"http://127.0.0.1:{server.port}"), options.pop("timeout", 5.0), **options)


def ask(client: HttpClient, method: str = "GET", path: str = "/", **options) -> Response:
    response = Response()
    client.send(method, path, response, **options)
    return response


def fails(script, *, timeout: float = 1.0, **options) -> BaseException:
    """What a request to such a server ends with, within its timeout and a little."""
    with serving(script) as server:
        client = client_of(server, timeout=timeout)
        began = time.monotonic()
        with pytest.raises(FAILURES) as caught:
            ask(client, **options)
        assert time.monotonic() - began < timeout + 1.0
        client.close()
        return caught.value


def saying(data: bytes):
    def script(connection):
        read_request(connection)
        connection.sendall(data)

    return script


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


def spin(seconds: float) -> None:
    """Let nobody else run in this thread."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


class AllAtOnce:
    """A server's script that answers a number of requests once it may."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._may = threading.Event()
        self._asked = self._answered = 0

    def __call__(self, connection) -> None:
        read_request(connection)
        self._asked += 1
        self._may.wait(5)
        connection.sendall(answer(b"x"))
        self._answered += 1

    def answer_in_one_turn(self) -> None:
        """Have all answers come while the event loop does not run."""
        with gevent.Timeout(5):
            while self._asked < self._number:
                gevent.sleep(0.001)
        self._may.set()
        end = time.monotonic() + 5
        while self._answered < self._number and time.monotonic() < end:
            spin(0.01)


def test_what_one_user_does_with_an_answer_is_no_part_of_another_s_time():
    both, received = AllAtOnce(2), []
    with serving(both) as server:

        def user():
            client = client_of(server)
            received.append(client.send("GET", "/", Response()).received_at)
            spin(0.5)

        users = [gevent.spawn(user), gevent.spawn(user)]
        both.answer_in_one_turn()
        gevent.joinall(users, timeout=5, raise_error=True)
    assert abs(received[0] - received[1]) < 300_000_000


def test_an_answer_has_come_when_the_kernel_had_it_however_late_it_is_read():
    both = AllAtOnce(2)
    with serving(both) as server:
        clients = [client_of(server), client_of(server)]
        users = [gevent.spawn(client.send, "GET", "/", Response()) for client in clients]
        both.answer_in_one_turn()
        answered = time.monotonic_ns()
        spin(0.5)  # the generator is held up
        received = [user.get(timeout=5).received_at for user in users]
    assert all(at < answered + 250_000_000 for at in received)


def test_a_stamp_is_believed_within_what_is_known_besides():
    now, today = time.monotonic_ns(), time.time_ns()
    second = 1_000_000_000

    def stamp(age_ns):
        return [(1, 35, struct.pack("ll", *divmod(today - age_ns, second)))]

    slack = 50_000_000  # of this test's own way from one clock to the other
    assert abs(came_at(stamp(2 * second), now - 5 * second, now) - (now - 2 * second)) < slack
    assert came_at([], now - 5 * second, now) == now, "no stamp"
    assert came_at(stamp(9 * second), now - 5 * second, now) == now, "before the last round: the time of day was set"
    assert came_at(stamp(-3600 * second), now - 5 * second, now) == now, "in the future"
    assert came_at([(1, 99, b"")], now - 5 * second, now) == now, "something else"


def test_one_who_is_killed_when_the_answer_is_read_already_is_not_woken():
    both, went_on = AllAtOnce(2), []
    with serving(both) as server:

        def user(number):
            try:
                ask(client_of(server))
                went_on.append("answered")
                gevent.get_hub().loop.run_callback(gevent.getcurrent().switch)
                users[1 - number].throw(gevent.GreenletExit)
            except gevent.GreenletExit:
                began = time.monotonic()
                gevent.sleep(0.05)  # where a stray wake-up would come to
                went_on.append("killed" if time.monotonic() - began >= 0.04 else "woken")

        users = [gevent.spawn(user, 0), gevent.spawn(user, 1)]
        both.answer_in_one_turn()
        gevent.joinall(users, timeout=5, raise_error=True)
    assert went_on == ["answered", "killed"]


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


@pytest.mark.parametrize("known", [True, False])
def test_a_body_in_pieces(known):
    pieces = [b"a" * 100_000, b"", b"b" * 300_000, b"c"]
    with serving(lambda connection: connection.sendall(_digest(connection))) as server:
        body = of_bytes(pieces) if known else of_data(iter(pieces))
        whole = b"".join(pieces)
        length = str(len(whole)) if known else "None"
        assert ask(client_of(server), "POST", body=body).body == f"{zlib.crc32(whole)} {len(whole)} {length}".encode()


def _digest(connection) -> bytes:
    _, fields, body = read_request(connection)
    return answer(f"{zlib.crc32(body)} {len(body)} {fields.get('content-length')}".encode())


def test_a_multipart_upload_takes_no_memory(tmp_path):
    big = tmp_path / "big.bin"
    with big.open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    got = []

    def script(connection):
        _, fields, rest = read_head(connection)
        left = int(fields["content-length"]) - len(rest)
        got.append(left + len(rest))
        while left:
            left -= len(connection.recv(1 << 20))
        connection.sendall(answer(b"all", "201 Created"))

    with serving(script) as server, big.open("rb") as file:
        tracemalloc.start()
        body = multipart({"file": ("big.bin", file, "video/mp4")}, {"name": "x"})
        assert ask(client_of(server, timeout=60.0), "POST", body=body).body == b"all"
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
        tracemalloc.stop()
    assert got == [body.length]
    assert body.length is not None and body.length > 100 * 1024 * 1024


def test_a_file_that_shrinks_while_it_is_sent_is_our_mistake(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 50_000)
    with serving(answering(answer())) as server, path.open("rb") as file:
        body = of_data(file)
        path.write_bytes(b"x")
        with pytest.raises(GeneratorError, match="announced length"):
            ask(client_of(server), "POST", body=body)


def test_100_continue_waits_and_a_refusal_saves_the_body():
    expect = (("Expect", "100-continue"),)
    bodies = {}
    both = threading.Barrier(3)

    def script(connection):
        line, _, rest = read_head(connection)
        if "refuse" in line:
            connection.sendall(answer(b"too large", "413 Content Too Large"))
        else:
            assert not rest
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            rest = connection.recv(10)
            connection.sendall(answer(b"taken"))
        bodies[line.split()[1]] = rest
        both.wait(5)

    with serving(script) as server:
        client = client_of(server)
        assert ask(client, "POST", "/", body=of_bytes((b"0123456789",)), headers=expect).body == b"taken"
        client.close()
        assert ask(client, "POST", "/refuse", body=of_bytes((b"0123456789",)), headers=expect).status == 413
        both.wait(5)
    assert bodies == {"/": b"0123456789", "/refuse": b""}


def test_an_early_answer_ends_an_upload():
    def script(connection):
        read_head(connection)
        connection.sendall(answer(b"enough", "413 Content Too Large"))
        threading.Event().wait(0.2)

    with serving(script) as server:
        response = ask(client_of(server), "POST", body=of_bytes((b"x" * 50_000_000,)))
        assert (response.status, response.body) == (413, b"enough")


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


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority of our own, and a server's certificate for localhost that it signed."""
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority")
    openssl("req", *new, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
    openssl("x509", "-req", "-in", "server.csr", "-out", "server.pem", *signed)
    return folder


def test_tls_is_verified(certificates):
    serve = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serve.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    trusting = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
    blind = ssl.create_default_context()
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    body = bytes(range(256)) * 8000

    def script(connection):
        while (request := read_request(connection))[0]:
            connection.sendall(answer(request[2] or body))

    with serving(script, tls=serve) as server:
        for host, context in (("localhost", trusting), ("127.0.0.1", blind)):
            client = HttpClient(Origin.parse(f"https://{host}:{server.port}"), 5.0, tls=context)
            before = server.connections
            assert ask(client).body == body
            assert ask(client, "POST", body=of_bytes((body, body))).body == body * 2
            assert server.connections == before + 1
            client.close()
        for host, context in (("localhost", None), ("127.0.0.1", trusting)):  # unknown authority, another name
            client = HttpClient(Origin.parse(f"https://{host}:{server.port}"), 5.0, tls=context)
            with pytest.raises(ssl.SSLCertVerificationError) as caught:
                ask(client)
            assert error_kind(caught.value) == "TLS error"

    def ticket_in_the_pause(connection):
        """A new session ticket comes while nobody waits: that does not end the connection."""
        for number in range(3):
            read_request(connection)
            connection.sendall(answer(b"%d" % number))

    serve.num_tickets = 4
    with serving(ticket_in_the_pause, tls=serve) as server:
        client = HttpClient(Origin.parse(f"https://localhost:{server.port}"), 5.0, tls=trusting)
        for number in range(3):
            assert ask(client, "POST").body == b"%d" % number
            gevent.sleep(0.3)
        assert server.connections == 1
        client.close()
    with serving(saying(b"this is no TLS")) as server, pytest.raises(FAILURES):
        ask(HttpClient(Origin.parse(f"https://localhost:{server.port}"), 2.0, tls=trusting))


# Bad servers.


def drip(connection):
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        connection.sendall(b"x")
        threading.Event().wait(0.05)


def endless(start: bytes, more: bytes):
    def script(connection):
        read_request(connection)
        connection.sendall(start)
        while True:
            connection.sendall(more)

    return script


def test_no_answer_is_a_timeout():
    assert isinstance(fails(lambda connection: threading.Event().wait(2), timeout=0.3), TimedOut)


def test_a_slow_drip_is_a_timeout_of_the_whole_request():
    assert isinstance(fails(drip, timeout=0.3), TimedOut)


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n" * 100),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 10_000),
        (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"fffff\r\n" + b"x" * 0xFFFFF + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1_000_000),
        (b"", b"\x00" * 100),
    ],
)
def test_what_has_no_end_is_ended(start, more):
    assert error_kind(fails(endless(start, more), timeout=8.0)) == "protocol error"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (b"", "connection closed"),
        (b"220 smtp.example.org ESMTP\r\n", "protocol error"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "protocol error"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "connection closed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nlonger than that", "protocol error"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "protocol error"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "protocol error"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnothex\r\n", "protocol error"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "connection closed"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "connection closed"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "protocol error"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "connection closed"),
    ],
)
def test_wrong_answers_have_a_name(said, kind):
    assert error_kind(fails(saying(said))) == kind


def test_a_reset_has_a_name():
    def script(connection):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    assert error_kind(fails(script)) == "connection reset"


def test_nobody_listens():
    with serving(answering(answer())) as server:
        client = client_of(server)
    with pytest.raises(ConnectionRefusedError):
        ask(client)


def test_a_bad_answer_does_not_spoil_the_next():
    with serving(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nlonger")) as server:
        client = client_of(server)
        with pytest.raises(FAILURES):
            ask(client)
        server.script = answering(answer(b"good"))
        assert ask(client).body == b"good"
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


GOOD = (
    answer(b"body", "200 OK", "Set-Cookie: a=b; Path=/", "X: y"),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    answer(gzip.compress(b"body" * 20), "200 OK", "Content-Encoding: gzip"),
    b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"x", "302 Found", "Location: /y"),
    b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
)


@st.composite
def broken_answers(draw):
    """A good answer with some bytes changed, cut out, doubled or put in; or plain noise."""
    data = bytearray(draw(st.sampled_from((*GOOD, b""))))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        to = min(len(data), at + draw(st.integers(0, 12)))
        data[at:to] = draw(
            st.one_of(st.binary(max_size=12), st.sampled_from((b"\r\n", b"\r\n\r\n", b": ", b"\n", b"0")))
        )
    return bytes(data)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(broken_answers(), st.integers(1, 40), st.sampled_from(["GET", "HEAD", "POST"]))
def test_whatever_a_server_says_there_is_a_response_or_a_typed_error(fuzzed, said, cut, method):
    server, client = fuzzed

    def script(connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        read_request(connection)
        connection.sendall(said[:cut])
        connection.sendall(said[cut:])

    server.script = script
    began = time.monotonic()
    response = Response()
    try:
        client.send(method, "/", response, redirects=2)
    except FAILURES as error:
        assert error_kind(error)
    else:
        assert 200 <= response.status <= 999
        dict(response.headers)
    assert time.monotonic() - began < 3.0
    client.close()


@pytest.fixture(scope="module")
def fuzzed():
    with serving(answering(answer())) as server:
        yield server, client_of(server, timeout=2.0)
