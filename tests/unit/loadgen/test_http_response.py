"""Heads and bodies as they come."""

from __future__ import annotations

import gzip
import zlib

import pytest

from harness.loadgen.http_client.client import header_block, request_target
from harness.loadgen.http_client.response import MAX_BODY_BYTES, Headers, Response, decoder_of
from harness.loadgen.net import ProtocolError

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-A: 1\r\nSet-Cookie: a=b\r\nx-a:  2 \r\n\r\nbody: x"


def test_header_fields_by_any_case():
    headers = Headers(HEAD)
    assert (headers["content-type"], headers["X-a"], headers.all("X-A")) == ("text/html", "1, 2", ("1", "2"))
    assert "body" not in headers and "CONTENT-TYPE" in headers and len(headers) == 3
    assert headers.get("nope") is None
    with pytest.raises(KeyError):
        headers["nope"]


def test_a_folded_line():
    assert Headers(b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n")["x"] == "a b"


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_decoding_piece_by_piece(size):
    body = b"content " * 5000
    coded = gzip.compress(body[:100]) + gzip.compress(body[100:])
    decoder = decoder_of(Headers(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"))
    out = b"".join(decoder.feed(coded[start : start + size]) for start in range(0, len(coded), size))
    decoder.end()
    assert out == body


def test_a_bomb_does_not_go_off():
    response = Response()
    response.head = b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n"
    response.body = zlib.compress(bytes(MAX_BODY_BYTES + 1))
    with pytest.raises(ProtocolError, match="too large"):
        response.undo_coding()


def test_json_is_decoded_once():
    response = Response()
    response.body = '{"a": "ü"}'.encode("utf-16")
    assert response.decoded_json() == {"a": "ü"}
    assert response.decoded_json() is response.decoded_json()


def test_ones_own_fields_replace_the_standing_ones():
    standing = (("User-Agent", "x"), ("Accept", "*/*"))
    assert header_block("h:1", standing, (("accept", "text/html"), ("X-N", "1"))) == (
        "Host: h:1\r\nUser-Agent: x\r\naccept: text/html\r\nX-N: 1\r\n"
    )


@pytest.mark.parametrize(
    ("path", "target"),
    [("/a?b=c%20d", "/a?b=c%20d"), ("/a b", "/a%20b"), ("?q", "/?q"), ("/ü#x", "/%C3%BC"), ("", "/")],
)
def test_request_targets(path, target):
    assert request_target(path) == target
