"""What requests carry, and what is known of it before it is sent."""

from __future__ import annotations

import io
from email.parser import BytesParser

import pytest

from harness.loadgen.http_client.body import multipart, of_bytes, of_data, of_json


def whole(body) -> bytes:
    return b"".join(bytes(part) for part in body.parts())


@pytest.mark.parametrize(
    ("data", "sent", "content_type"),
    [
        (b"abc", b"abc", "application/octet-stream"),
        ("ü", "ü".encode(), "text/plain; charset=utf-8"),
        ({"a": "1 2", "b": ["x", "y"]}, b"a=1+2&b=x&b=y", "application/x-www-form-urlencoded; charset=utf-8"),
        ([("a", "1"), ("a", "2")], b"a=1&a=2", "application/x-www-form-urlencoded; charset=utf-8"),
        (io.BytesIO(b"file"), b"file", "application/octet-stream"),
    ],
)
def test_data(data, sent, content_type):
    body = of_data(data)
    assert (whole(body), body.length, body.content_type) == (sent, len(sent), content_type)
    assert body.replayable and whole(body) == sent


def test_an_iterator_is_read_once_and_its_length_is_not_known():
    body = of_data(iter([b"a", "b"]))
    assert (body.length, body.replayable, whole(body)) == (None, False, b"ab")


def test_a_file_is_sent_from_where_it_stands():
    file = io.BytesIO(b"head and tail")
    file.seek(9)
    body = of_data(file)
    assert (body.length, whole(body), whole(body)) == (4, b"tail", b"tail")


def test_a_small_body_is_one_piece():
    assert of_bytes((b"a", b"b")).small == b"ab"
    assert of_bytes((b"a" * 20_000,)).small is None
    assert of_json({"a": 1}).small == b'{"a": 1}'


@pytest.mark.parametrize("data", [1, 1.5, object()])
def test_what_no_request_can_carry(data):
    with pytest.raises(TypeError):
        of_data(data)


def test_a_text_file_has_no_length_in_bytes(tmp_path):
    path = tmp_path / "text"
    path.write_text("ü")
    with path.open() as file, pytest.raises(TypeError, match="binary"):
        of_data(file)


def test_multipart_is_what_others_read(tmp_path):
    path = tmp_path / 'a "clip".mp4'
    path.write_bytes(b"\x00\r\n--x" * 100_000)
    with path.open("rb") as file:
        body = multipart(
            {"clip": file, "note": ("n.txt", "text", "text/x-note", {"X-A": "b"})}, {"id": 7, "tag": ["a", "b"]}
        )
        data = whole(body)
        assert body.length == len(data)
        assert whole(body) == data
    message = BytesParser().parsebytes(f"Content-Type: {body.content_type}\r\n\r\n".encode() + data)
    parts = message.get_payload()
    assert [(part.get_param("name", header="content-disposition"), part.get_filename()) for part in parts] == [
        ("id", None),
        ("tag", None),
        ("tag", None),
        ("clip", "a %22clip%22.mp4"),
        ("note", "n.txt"),
    ]
    assert parts[0].get_payload(decode=True) == b"7"
    assert parts[3].get_content_type() == "video/mp4"
    assert parts[4].get_content_type() == "text/x-note" and parts[4]["X-A"] == "b"
    assert path.read_bytes() in data


def test_multipart_of_a_stream_has_no_known_length():
    class Pipe:
        def __init__(self):
            self.left = [b"a", b"b"]

        def read(self, size):
            return self.left.pop(0) if self.left else b""

    body = multipart({"f": Pipe()})
    assert body.length is None and not body.replayable
    assert b"\r\n\r\nab\r\n--" in whole(body)


def test_a_name_cannot_smuggle_a_header():
    assert b'name="a%0D%0AX: y"' in whole(multipart({"a\r\nX: y": b"c"}))
    with pytest.raises(ValueError):
        multipart({"a": ("f", b"c", "text/plain\r\nX: y")})
