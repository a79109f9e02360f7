"""What is known by heart is what the parser would say, whatever comes."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.loadgen.http_client.reader import KNOWN, ResponseReader, give_back, recall, take_reader
from harness.loadgen.http_client.response import MAX_BODY_BYTES, Response
from harness.loadgen.net import FAILURES, ConnectionEnded, ProtocolError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@pytest.fixture(autouse=True)
def nothing_known():
    KNOWN.clear()


def told(response: Response, keep: bool) -> tuple:
    head = response.head[: response.head.find(b"\r\n\r\n") + 4]
    return response.status, head, response.body, response.plain, keep


def by_parser(reader: ResponseReader, data: bytes):
    """What the parser says of a response that comes in one piece; None when it wants more or finds it wrong."""
    response = Response()
    try:
        reader.feed(data)
    except FAILURES:
        return None
    if not reader.complete:
        return None
    reader.fill(response)
    return told(response, reader.keep)


def by_heart(data: bytes):
    response = Response()
    keep = recall(data, response)
    return None if keep is None else told(response, keep)


def fresh() -> ResponseReader:
    return ResponseReader()


fields = st.sampled_from(
    [
        b"Server: x",
        b"Date: Sat, 21 Nov 2026 09:23:44 GMT",
        b"Connection: close",
        b"connection: keep-alive",
        b"Connection: upgrade",
        b"Upgrade: websocket",
        b"Transfer-Encoding: chunked",
        b"TRANSFER-ENCODING: gzip, chunked",
        b"Set-Cookie: a=b",
        b"Content-Encoding: gzip",
        b"Location: /x",
        b"X-Long: " + b"y" * 900,
        b" folded",
        b"Content-Length: 3",
        b"broken",
        b"",
    ]
)
bodies = st.one_of(st.binary(max_size=40), st.sampled_from([b"3\r\nabc\r\n0\r\n\r\n", b"0\r\n\r\n", OK]))


@st.composite
def responses(draw) -> bytes:
    line = draw(st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"\r\nHTTP/1.1"]))
    status = draw(
        st.sampled_from([b"200 OK", b"204 None", b"304 Same", b"404 Not", b"302 Go", b"100 On", b"101 Up", b"2"])
    )
    body = draw(bodies)
    lines = draw(st.lists(fields, max_size=4))
    if draw(st.integers(0, 9)):
        length = len(body) + draw(st.sampled_from([0, 0, 0, 0, 1, -1]))
        lines.insert(draw(st.integers(0, len(lines))), b"Content-Length: %d" % length)
    return b"\r\n".join((line + b" " + status, *lines, b"", b"")) + body


@st.composite
def changed(draw, data: bytes) -> bytes:
    """The same, or almost: a byte is another, is missing, or one too many."""
    at = draw(st.integers(0, len(data)))
    how = draw(st.sampled_from(["same", "other", "less", "more", "body"]))
    some = draw(st.binary(min_size=1, max_size=3))
    match how:
        case "other":
            return data[:at] + some[:1] + data[at + 1 :]
        case "less":
            return data[:at] + data[at + 1 :]
        case "more":
            return data[:at] + some + data[at:]
        case "body":
            head, mark, body = data.partition(b"\r\n\r\n")
            return head + mark + draw(st.binary(min_size=len(body), max_size=len(body)))
    return data


@settings(max_examples=1500, deadline=None)
@given(st.data(), responses())
def test_by_heart_is_as_by_the_parser(data, first):
    KNOWN.clear()
    by_parser(fresh(), first)
    second = data.draw(changed(first))
    recalled = by_heart(second)
    if recalled is not None:
        KNOWN.clear()
        assert recalled == by_parser(fresh(), second)


@settings(max_examples=700, deadline=None)
@given(st.lists(responses(), min_size=1, max_size=5))
@example([OK + b"HT", OK])
@example([OK + OK, OK])
def test_a_reader_that_has_read_others_reads_as_a_new_one(them):
    for data in them:
        reader = take_reader(headless=False, most=MAX_BODY_BYTES)
        found = by_parser(reader, data)
        give_back(reader, good=found is not None and reader.keep)
        assert found == by_parser(fresh(), data)


def test_an_ordinary_response_is_known_the_second_time():
    assert by_heart(OK) is None
    seen = by_parser(fresh(), OK)
    assert by_heart(OK) == seen == (200, OK[:-5], b"hello", True, True)
    assert by_heart(OK[:-5] + b"other")[2] == b"other"
    assert by_heart(OK[:-1]) is None
    assert by_heart(OK + b"x") is None


def test_the_length_of_a_chunked_body_is_not_learnt():
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    assert by_parser(fresh(), chunked)[2] == b"hello"
    assert not KNOWN


def test_what_a_browser_has_to_act_on_is_not_plain():
    for field in (b"Set-Cookie: a=b", b"LOCATION: /x", b"content-encoding: gzip"):
        data = OK.replace(b"\r\n\r\n", b"\r\n" + field + b"\r\n\r\n")
        assert by_parser(fresh(), data)[3] is False
        assert by_heart(data)[3] is False


def test_heads_that_never_come_again_take_no_memory():
    for number in range(3000):
        by_parser(fresh(), OK.replace(b"\r\n\r\n", b"\r\nX-Id: %d\r\n\r\n" % number))
    assert 0 < len(KNOWN) <= 1000
    KNOWN.clear()
    by_parser(fresh(), OK.replace(b"\r\n\r\n", b"\r\nX-Long: " + b"x" * 2000 + b"\r\n\r\n"))
    assert not KNOWN


def test_more_than_was_asked_for():
    for more in (b"HT", OK, b"garbage"):
        with pytest.raises(FAILURES):
            fresh().feed(OK + more)
    reader = fresh()
    reader.feed(OK + b"\r\n")  # as some servers of old
    assert reader.complete


def test_the_end_of_the_connection_ends_only_a_body_without_a_length():
    reader = fresh()
    reader.feed(b"HTTP/1.0 200 OK\r\n\r\nuntil")
    reader.feed(b"")
    assert (reader.complete, reader.take_body(), reader.keep) == (True, b"until", False)
    reader = fresh()
    reader.feed(OK[:-1])
    with pytest.raises(ConnectionEnded):
        reader.feed(b"")


def test_a_body_in_answer_to_head():
    reader = take_reader(headless=True, most=MAX_BODY_BYTES)
    with pytest.raises(ProtocolError):
        reader.feed(OK[:-1])
