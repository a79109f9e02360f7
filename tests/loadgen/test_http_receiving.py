"""When an answer has come: the time that the HTTP client takes, whatever this process is busy with."""

from __future__ import annotations

import threading
import time

import gevent

from harness.loadgen.http_client.response import Response
from tests.loadgen.asking import ask, client_of
from tests.loadgen.scripted_server import answer, read_request, serving


def spin(seconds: float) -> None:
    """Let nobody else run in this thread."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


class AllAtOnce:
    """A server's script that answers a number of requests once it may."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._may = threading.Event()
        self._asked = self._answered = 0

    def __call__(self, connection) -> None:
        read_request(connection)
        self._asked += 1
        self._may.wait(5)
        connection.sendall(answer(b"x"))
        self._answered += 1

    def answer_in_one_turn(self) -> None:
        """Have all answers come while the event loop does not run."""
        with gevent.Timeout(5):
            while self._asked < self._number:
                gevent.sleep(0.001)
        self._may.set()
        end = time.monotonic() + 5
        while self._answered < self._number and time.monotonic() < end:
            spin(0.01)


def test_what_one_user_does_with_an_answer_is_no_part_of_another_s_time():
    both, received = AllAtOnce(2), []
    with serving(both) as server:

        def user():
            client = client_of(server)
            received.append(client.send("GET", "/", Response()).received_at)
            spin(0.5)

        users = [gevent.spawn(user), gevent.spawn(user)]
        both.answer_in_one_turn()
        gevent.joinall(users, timeout=5, raise_error=True)
    assert abs(received[0] - received[1]) < 300_000_000


def test_an_answer_has_come_when_the_kernel_had_it_however_late_it_is_read():
    both = AllAtOnce(2)
    with serving(both) as server:
        clients = [client_of(server), client_of(server)]
        users = [gevent.spawn(client.send, "GET", "/", Response()) for client in clients]
        both.answer_in_one_turn()
        answered = time.monotonic_ns()
        spin(0.5)  # the generator is held up
        received = [user.get(timeout=5).received_at for user in users]
    assert all(at < answered + 250_000_000 for at in received)


def test_one_who_is_killed_when_the_answer_is_read_already_is_not_woken():
    both, went_on = AllAtOnce(2), []
    with serving(both) as server:

        def user(number):
            try:
                ask(client_of(server))
                went_on.append("answered")
                gevent.get_hub().loop.run_callback(gevent.getcurrent().switch)
                users[1 - number].throw(gevent.GreenletExit)
            except gevent.GreenletExit:
                began = time.monotonic()
                gevent.sleep(0.05)  # where a stray wake-up would come to
                went_on.append("killed" if time.monotonic() - began >= 0.04 else "woken")

        users = [gevent.spawn(user, 0), gevent.spawn(user, 1)]
        both.answer_in_one_turn()
        gevent.joinall(users, timeout=5, raise_error=True)
    assert went_on == ["answered", "killed"]
