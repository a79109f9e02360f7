"""The Socket.IO client over TLS, against a server of this process: run as a program with a folder for its certificate.

A program of its own because TLS on gevent takes the patches that Locust makes.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import os  # noqa: E402
import ssl  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402
from gevent.server import StreamServer  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[2]))

from harness.loadgen.net import Origin  # noqa: E402
from harness.loadgen.socketio import SocketIO  # noqa: E402
from tests.loadgen.test_socketio_wire import HELLO, text, upgrade  # noqa: E402

BIG = b"z" * 60_000
EVENT = b'42["e","' + BIG + b'"]'
MESSAGES, SIZE = 20, 100_000


def main(folder: Path) -> None:
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    names = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    files = ("-keyout", str(key), "-out", str(certificate))
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names, *files]
    subprocess.run(command, check=True, capture_output=True)
    got = 0

    def handle(sock: Any, _: Any) -> None:
        nonlocal got
        request = b""
        while b"\r\n\r\n" not in request:
            request += sock.recv(4096)
        sock.sendall(upgrade(request) + text(HELLO) + text(b"40"))
        sock.recv(4096)
        # Several TLS records, which come as one: what is decrypted already wakes no loop.
        sock.sendall(b"\x81\x7e" + len(EVENT).to_bytes(2, "big") + EVENT + text(b'42["after"]'))
        while data := sock.recv(1 << 16):
            got += len(data)
            gevent.sleep(0)

    server = StreamServer(("127.0.0.1", 0), handle, keyfile=str(key), certfile=str(certificate))
    server.start()
    heard: list[tuple[str, Any]] = []

    def connect() -> SocketIO:
        origin = Origin("https", "localhost", server.server_port)
        return SocketIO(origin, lambda event, data: heard.append((event, data)), timeout_seconds=5)

    with gevent.Timeout(20):
        try:
            connect()
        except ssl.SSLCertVerificationError:
            pass
        else:
            raise AssertionError("a certificate that nobody vouches for was accepted")
        os.environ["SSL_CERT_FILE"] = str(certificate)
        client = connect()
        while len(heard) < 2:
            gevent.sleep(0.005)
        assert heard == [("e", BIG.decode()), ("after", None)]
        for _ in range(MESSAGES):
            client.emit("x", "y" * SIZE)
        while got < MESSAGES * SIZE:
            gevent.sleep(0.005)
        client.close()
    print("as it should be")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
