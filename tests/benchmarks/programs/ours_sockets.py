"""Our Socket.IO client in Locust users, everything recorded. Name the class to run: Echo, Listen or Rest."""

from __future__ import annotations

import time

import gevent
from locust import User, task

from harness.loadgen.arrivals import ArrivalUser
from harness.loadgen.recorder import Endpoint
from harness.loadgen.socketio import SocketIO
from tests.benchmarks.recording import install

_ACK = Endpoint("socket ack", "bench", "socketio")
_DELIVERY = Endpoint("socket delivery", "bench", "socketio")


class Socket(User):
    abstract = True

    def wait_time(self):
        return 0.0

    def connect(self, on_event):
        self.generator = ArrivalUser.generator
        self.meter = self.generator.meter
        return SocketIO(self.generator.origin, on_event)


class Echo(Socket):
    """Sends again as soon as it is acknowledged."""

    @task
    def talk(self):
        socket = self.connect(lambda event, data: None)
        begin, end, good, bad = self.meter.begin, self.meter.end, self.generator.good, self.generator.bad
        began = begin()

        def heard(answer):
            nonlocal began
            is_good = answer == "hello world"
            service = (end(began, good=is_good) - began) / 1e9
            if is_good:
                good(_ACK, began / 1e9, service, service)
            else:
                bad(_ACK, began / 1e9, "wrong answer")
            began = begin()
            socket.emit("echo", "hello world", heard)

        socket.emit("echo", "hello world", heard)
        socket.listen()


class Listen(Socket):
    """Gets broadcasts, and asks for the next round after the last of one."""

    @task
    def hear(self):
        self.sent = time.monotonic()
        self.socket = self.connect(self.heard)
        self.socket.emit("round", None)
        self.socket.listen()

    def heard(self, event, data):
        took = time.monotonic() - self.sent
        self.generator.good(_DELIVERY, self.sent, took, took)
        if data["last"]:
            self.sent = time.monotonic()
            self.socket.emit("round", None)


class Rest(Socket):
    """Connects, and says nothing."""

    @task
    def rest(self):
        self.socket = self.connect(lambda event, data: None)
        self.socket.listen()
        gevent.sleep(3600)


install()
