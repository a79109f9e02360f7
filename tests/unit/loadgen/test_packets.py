"""Socket.IO packets: the same as python-socketio's, both ways, and what is no packet is said."""

from __future__ import annotations

import pytest
from socketio import packet

from harness.loadgen.net import ProtocolError
from harness.loadgen.socketio.packets import (
    ACK,
    EVENT,
    MAX_ATTACHMENTS,
    Header,
    address,
    as_arguments,
    as_data,
    encode,
    encode_event,
    read_binary,
    read_header,
    read_json,
    read_list,
)

DATA = [
    ["chat"],
    ["chat", {"text": "hä", "n": 1, "ok": True, "no": None, "x": [1.5, -2]}],
    ["audio", {"id": "x", "chunk": b"\x00\x01", "parts": [b"a", bytearray(b"bc")]}],
    ["two", b"", "b"],
]


@pytest.mark.parametrize("namespace", ["/", "/admin"])
@pytest.mark.parametrize("number", ["", "0", "17"])
@pytest.mark.parametrize("kind", [EVENT, ACK])
@pytest.mark.parametrize("data", DATA)
def test_python_socketio_reads_what_is_written_here(kind, namespace, number, data):
    text, attachments = encode(kind, address(namespace), number, data)
    read = packet.Packet(encoded_packet=text[1:])  # without Engine.IO's own digit
    for attachment in attachments:
        read.add_attachment(attachment)
    assert text[0] == "4"
    assert read.packet_type == int(kind) + 3 * bool(attachments)
    assert (read.data, read.namespace or "/", read.id) == (data, namespace, int(number) if number else None)


@pytest.mark.parametrize("namespace", ["/", "/admin"])
@pytest.mark.parametrize("number", [None, 0, 17])
@pytest.mark.parametrize("kind", [packet.EVENT, packet.ACK])
@pytest.mark.parametrize("data", DATA)
def test_what_python_socketio_writes_is_read_here(kind, namespace, number, data):
    written = packet.Packet(kind, data, namespace, number).encode()
    text, attachments = (
        (f"4{written[0]}", [bytes(each) for each in written[1:]]) if isinstance(written, list) else (f"4{written}", [])
    )
    header = read_header(text)
    assert header.namespace == namespace
    assert header.number == ("" if number is None else str(number))
    assert header.attachments == len(attachments)
    assert header.kind == str(kind + 3 * bool(attachments))
    assert (read_binary(text, header.start, attachments) if attachments else read_list(text, header.start)) == data


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("40", Header("0", 0, "/", "", 2)),
        ('40{"sid":"x"}', Header("0", 0, "/", "", 2)),
        ('40/admin,{"sid":"x"}', Header("0", 0, "/admin", "", 9)),
        ("41/admin", Header("1", 0, "/admin", "", 8)),
        ("41/admin?token=1,", Header("1", 0, "/admin", "", 17)),
        ('4512-/a,3["x"]', Header("5", 12, "/a", "3", 9)),
    ],
)
def test_headers(text, header):
    assert read_header(text) == header


@pytest.mark.parametrize("text", ["", "4", "47", "2", "hello", "4x", "4²", f"45{MAX_ATTACHMENTS + 1}-[]", "421-[]"])
def test_no_header(text):
    with pytest.raises(ProtocolError):
        read_header(text)


@pytest.mark.parametrize(
    "text", ['{"a":1}', "nonsense", "[1", "[] []", "[]x", "1", '"x"', "", "[" * 100_000, "9" * 5000]
)
def test_no_list(text):
    with pytest.raises(ProtocolError):
        read_list(text, 0)
    with pytest.raises(ProtocolError):
        read_binary(text, 0, [])


def test_nothing_is_no_json_but_allowed_where_nothing_is_needed():
    assert read_json("40", 2) is None


@pytest.mark.parametrize("number", ["1", "-1", "0.0", "true", '"0"', "null", "[0]"])
def test_a_placeholder_of_no_attachment(number):
    with pytest.raises(ProtocolError):
        read_binary(f'["x",{{"_placeholder":true,"num":{number}}}]', 0, [b"a"])


@pytest.mark.parametrize("data", [{1}, {"x": {1}}, [b"a", {1}], object()])
def test_what_cannot_be_sent_is_said(data):
    with pytest.raises(TypeError, match="cannot be sent"):
        encode(EVENT, "", "", ["x", data])


@pytest.mark.parametrize("data", [float("nan"), [b"x", float("inf")]])
def test_a_number_that_json_does_not_know_is_said(data):
    with pytest.raises(ValueError, match="JSON"):
        encode(EVENT, "", "", ["x", data])


@pytest.mark.parametrize(
    ("data", "arguments"), [(None, []), (1, [1]), ([1, 2], [[1, 2]]), ((1, 2), [1, 2]), ("", [""])]
)
def test_data_and_arguments(data, arguments):
    assert as_arguments(data) == arguments
    assert as_data(arguments) == data


@pytest.mark.parametrize("data", [None, "plain", 'quo"ted\n\u2028😀', 1, [1, 2], (1, "two"), {"a": None}, ("x", b"y")])
@pytest.mark.parametrize("event", ["chat", 'quo"ted ü'])
def test_an_event_is_encoded_as_python_socketio_does(event, data):
    text, attachments = encode_event("/a,", "7", event, data)
    read = packet.Packet(encoded_packet=text[1:])
    for attachment in attachments:
        read.add_attachment(attachment)
    assert (read.data, read.namespace, read.id) == ([event, *as_arguments(data)], "/a", 7)


def test_a_value_that_holds_itself_is_said():
    endless = []
    endless.append(endless)
    with pytest.raises(ValueError, match="nested"):
        encode(EVENT, "", "", endless)
    assert encode(EVENT, "", "", ["x", [[]]])[0] == '42["x",[[]]]'
