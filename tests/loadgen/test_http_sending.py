"""Bodies that the HTTP client sends: in pieces, from files, after 100 Continue."""

from __future__ import annotations

import threading
import tracemalloc
import zlib

import pytest

from harness.errors import GeneratorError
from harness.loadgen.http_client.body import multipart, of_bytes, of_data
from tests.loadgen.asking import ask, client_of
from tests.loadgen.scripted_server import answer, answering, read_head, read_request, serving


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
