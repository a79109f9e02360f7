"""``acknowledge.py PORT``: a Socket.IO server that acknowledges "echo" with what it was sent, and nothing else.

The referee of what a generator gets through: socket.io's own server on Node is slower than the faster of them, and then
its own speed is all that is measured. A plain event loop over sockets. It never sleeps, so that no sender pays for
waking it up: between virtual cores that is as much as the message itself. GET /counted: acknowledgements so far.
"""

from __future__ import annotations

import base64
import hashlib
import socket
import sys
from select import EPOLLIN, epoll

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_HELLO = b'0{"sid":"s","upgrades":[],"pingInterval":600000,"pingTimeout":600000,"maxPayload":1000000}'
_TEXT, _CLOSE = 0x81, 0x88
_ECHO = b'["echo",'
_UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "


def text(payload: bytes) -> bytes:
    """A text message of up to 64 KiB as a server sends it."""
    if len(payload) < 126:
        return bytes((_TEXT, len(payload))) + payload
    return bytes((_TEXT, 126)) + len(payload).to_bytes(2, "big") + payload


class Server:
    """counted: acknowledgements so far."""

    def __init__(self) -> None:
        self.counted = 0

    def shake_hands(self, head: bytes) -> bytes:
        """The answer to an HTTP request."""
        if head.startswith(b"GET /counted"):
            body = b"%d" % self.counted
            return b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        asked = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(b":") for line in head.split(b"\r\n"))
        }
        accept = base64.b64encode(hashlib.sha1(asked[b"sec-websocket-key"] + _GUID, usedforsecurity=False).digest())
        return _UPGRADED + accept + b"\r\n\r\n" + text(_HELLO)

    def answer(self, data: bytes) -> tuple[bytes, bytes]:
        """What is said to these frames, and what of them is not whole yet. Raises ConnectionError at a goodbye."""
        said = b""
        while len(data) >= 6:
            length, start = data[1] & 0x7F, 2
            if length == 126:
                length, start = int.from_bytes(data[2:4], "big"), 4
            end = start + 4 + length
            if len(data) < end:
                break
            if data[0] == _CLOSE:
                raise ConnectionError
            repeated = (data[start : start + 4] * (length // 4 + 1))[:length]
            payload = (int.from_bytes(data[start + 4 : end], "little") ^ int.from_bytes(repeated, "little")).to_bytes(
                length, "little"
            )
            said += self.say(payload)
            data = data[end:]
        return said, data

    def say(self, packet: bytes) -> bytes:
        """What is said to an Engine.IO packet."""
        if packet[:2] == b"42":
            at = packet.find(b"[")
            if packet.startswith(_ECHO, at):
                self.counted += 1
                return text(b"43" + packet[2:at] + b"[" + packet[at + len(_ECHO) :])
        if packet[:2] == b"40":
            return text(b'40{"sid":"t"}')
        return b""


def main(port: int) -> None:
    """Serve until killed."""
    poll = epoll()
    listener = socket.create_server(("127.0.0.1", port), backlog=16384)
    listener.setblocking(False)
    poll.register(listener, EPOLLIN)
    server = Server()
    socks: dict[int, socket.socket] = {}
    rest: dict[int, bytes] = {}  # what is not whole yet, of whom there is something
    unknown: set[int] = set()  # those that have not shaken hands
    while True:
        for number, _ in poll.poll(0):
            sock = socks.get(number)
            if sock is None:
                sock, _ = listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                socks[sock.fileno()] = sock
                unknown.add(sock.fileno())
                poll.register(sock, EPOLLIN)
                continue
            try:
                data = sock.recv(65536)
                if not data:
                    raise ConnectionError
                if number in rest:
                    data = rest.pop(number) + data
                if number in unknown:
                    if b"\r\n\r\n" in data:
                        unknown.discard(number)
                        sock.sendall(server.shake_hands(data))
                        data = b""
                    said = b""
                else:
                    said, data = server.answer(data)
                if data:
                    rest[number] = data
                if said:
                    sock.sendall(said)
            except OSError:
                poll.unregister(sock)
                del socks[number]
                rest.pop(number, None)
                unknown.discard(number)
                sock.close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
