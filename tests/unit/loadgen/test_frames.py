"""WebSocket frames as bytes, in whatever pieces they come."""

from __future__ import annotations

import pytest

from harness.loadgen.socketio.frames import (
    CLOSE,
    MAX_MESSAGE_BYTES,
    PING,
    Control,
    FrameError,
    FrameReader,
    frame,
    mask,
)


def server_frame(opcode, payload, *, final=True):
    head = bytes((0x80 * final | opcode,))
    if len(payload) < 126:
        head += bytes((len(payload),))
    elif len(payload) < 1 << 16:
        head += bytes((126,)) + len(payload).to_bytes(2, "big")
    else:
        head += bytes((127,)) + len(payload).to_bytes(8, "big")
    return head + payload


def unmask(data):
    """Opcode and payload of a client's frame, and what follows it."""
    assert data[0] & 0x80 and data[1] & 0x80
    length, start = data[1] & 0x7F, 2
    if length == 126:
        length, start = int.from_bytes(data[2:4], "big"), 4
    elif length == 127:
        length, start = int.from_bytes(data[2:10], "big"), 10
    payload = bytes(b ^ data[start + i % 4] for i, b in enumerate(data[start + 4 : start + 4 + length]))
    return data[0] & 0x0F, payload, data[start + 4 + length :]


def read(data, piece):
    reader, found = FrameReader(), []
    for at in range(0, len(data), piece):
        found += reader.feed(data[at : at + piece])
    return found, reader


@pytest.mark.parametrize("length", [0, 1, 3, 4, 125, 126, 65535, 65536])
def test_a_frame_is_masked_and_whole(length):
    payload = bytes(i % 251 for i in range(length))
    assert unmask(frame(0x1, payload)) == (0x1, payload, b"")


def test_every_short_length_is_masked_whole_and_to_the_byte():
    for length in range(127):
        payload = bytes((length + i) % 256 for i in range(length))
        for opcode in (0x1, 0x2, 0x8, 0x9, 0xA):
            whole = frame(opcode, payload)
            assert unmask(whole) == (opcode, payload, b"")


def test_keys_are_spread_over_their_whole_range_and_none_comes_twice():
    """Two thousand are more than one draw; of 2³² possible ones, two are alike in one run of two thousand."""
    keys = [int.from_bytes(frame(0x1, b"x")[2:6], "big") for _ in range(2000)]
    assert len(set(keys)) >= 1999
    for bit in range(32):
        assert 800 < sum(key >> bit & 1 for key in keys) < 1200


def test_rfc_6455_example_of_a_masked_frame():
    """Section 5.7: "Hello" under the key 37 fa 21 3d."""
    assert mask(b"Hello", bytes.fromhex("37fa213d")) == bytes.fromhex("7f9f4d5158")


def test_each_frame_has_a_key_of_its_own():
    assert len({frame(0x1, b"x" * 8) for _ in range(20)}) == 20


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1000, 1 << 20])
def test_messages_of_every_size_arrive_and_nothing_is_kept(piece):
    texts = ["", "a", "ж" * 100, "x" * 126, "y" * 70_000]
    data = b"".join(server_frame(0x1, text.encode()) for text in texts) + server_frame(0x2, b"\xff\x00")
    found, reader = read(data, piece)
    assert found == [*texts, b"\xff\x00"]
    assert reader.held_bytes == 0


@pytest.mark.parametrize("piece", [1, 5, 100])
def test_fragments_are_joined_and_a_ping_between_them_comes_at_once(piece):
    data = (
        server_frame(0x1, b"Gr", final=False)
        + server_frame(0x9, b"still there?")
        + server_frame(0x0, "ü".encode()[:1], final=False)
        + server_frame(0x0, "ü".encode()[1:] + b"n")
        + server_frame(0x2, b"\x01", final=False)
        + server_frame(0x0, b"\x02")
    )
    found, reader = read(data, piece)
    assert found == [Control(PING, b"still there?"), "Grün", b"\x01\x02"]
    assert reader.held_bytes == 0


def test_closing_has_a_code_and_a_reason():
    found, _ = read(server_frame(0x8, (1001).to_bytes(2, "big") + b"going away"), 3)
    assert found == [Control(CLOSE, (1001).to_bytes(2, "big") + b"going away")]


MISTAKES = [
    (b"\xc1\x00", 1002),  # compressed
    (b"\xa1\x00", 1002),  # another reserved bit
    (b"\x81\x80\0\0\0\0", 1002),  # masked by the server
    (b"\x81\xfe", 1002),  # the same, of a long one
    (b"\x83\x00", 1002),  # an unknown opcode
    (b"\x80\x01a", 1002),  # a continuation of nothing
    (b"\x01\x01a\x81\x01b", 1002),  # a new message inside of one
    (b"\x01\x01a\x82\x01b", 1002),  # the same, binary
    (b"\x09\x00", 1002),  # a control frame in parts
    (b"\x89\x7e\x00\x7e" + b"x" * 126, 1002),  # a control frame too long
    (b"\x88\x01a", 1002),  # half a close code
    (b"\x88\x03\x03\xe8\xff", 1007),  # a reason that is no UTF-8
    (b"\x81\x01\xff", 1007),  # no UTF-8
    (b"\x01\x01\xc3\x80\x01\xff", 1007),  # no UTF-8 once it is joined
    (b"\x81\x7f" + (MAX_MESSAGE_BYTES + 1).to_bytes(8, "big"), 1009),
    (b"\x81\x7f" + b"\xff" * 8, 1009),
]


@pytest.mark.parametrize("piece", [1, 1000])
@pytest.mark.parametrize(("data", "code"), MISTAKES)
def test_what_a_server_must_not_send(data, code, piece):
    with pytest.raises(FrameError) as mistake:
        read(data, piece)
    assert mistake.value.code == code


def test_what_came_before_a_mistake_is_handed_on():
    found = []
    with pytest.raises(FrameError):
        for message in FrameReader().feed(b"\x81\x01a\x81\x01b\xff\x00"):
            found.append(message)  # what has been yielded before the mistake is what this is about
    assert found == ["a", "b"]


def test_fragments_together_are_bounded():
    part = b"x" * (MAX_MESSAGE_BYTES // 2 + 1)
    with pytest.raises(FrameError) as mistake:
        read(server_frame(0x1, part, final=False) + server_frame(0x0, part), 1 << 20)
    assert mistake.value.code == 1009


def test_a_huge_length_is_refused_before_anything_is_kept_for_it():
    reader = FrameReader()
    with pytest.raises(FrameError):
        list(reader.feed(b"\x82\x7f" + (1 << 62).to_bytes(8, "big")))
    assert reader.held_bytes == 0
