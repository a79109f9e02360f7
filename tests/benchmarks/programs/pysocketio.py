"""``pysocketio.py URL CONNECTIONS``: python-socketio's client under gevent, hearing broadcasts."""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402

import gevent  # noqa: E402
import socketio  # noqa: E402


def hear(url):
    client = socketio.Client(reconnection=False)

    def heard(data):
        if data["last"]:
            client.emit("round", None)

    client.on("news", heard)
    client.connect(url, transports=["websocket"])
    client.emit("round", None)
    client.wait()


gevent.joinall([gevent.spawn(hear, sys.argv[1]) for _ in range(int(sys.argv[2]))])
