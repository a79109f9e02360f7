"""One epoll for all connections of an event loop."""

from __future__ import annotations

import socket

import gevent
import pytest

from harness.loadgen.socketio.readers import Readers, readers


class Reading:
    def __init__(self, sock, then=None):
        self.sock, self.heard, self.then = sock, [], then

    def read(self, now, to_the_end):
        self.heard.append((self.sock.recv(100), to_the_end))
        if self.then is not None:
            self.then()


@pytest.fixture
def pairs():
    made = [socket.socketpair() for _ in range(100)]
    yield made
    for ours, theirs in made:
        ours.close()
        theirs.close()


def settle(all_of_them):
    """Until nobody is left, and so nothing that keeps the loop going."""
    with gevent.Timeout(5):
        while all_of_them._watcher.active:
            gevent.sleep(0.002)
    assert not all_of_them._readers


def test_everybody_is_called_when_something_comes_and_at_the_end(pairs):
    """More of them than are read at once."""
    all_of_them = Readers()
    reading = []
    for ours, theirs in pairs:
        one = Reading(ours)

        def answer(one=one, theirs=theirs):
            if len(one.heard) == 1:
                theirs.sendall(b"de")
                theirs.shutdown(socket.SHUT_WR)
            else:
                all_of_them.remove(one.sock.fileno())

        one.then = answer
        reading.append(one)
        all_of_them.add(ours.fileno(), one)
        theirs.sendall(b"abc")
    settle(all_of_them)
    assert all(one.heard == [(b"abc", False), (b"de", True)] for one in reading)


def test_one_that_left_something_is_called_when_more_comes(pairs):
    all_of_them = Readers()
    ours, theirs = pairs[0]
    one = Reading(ours)
    one.then = lambda: theirs.sendall(b"b") if len(one.heard) == 1 else all_of_them.remove(ours.fileno())
    all_of_them.add(ours.fileno(), one)
    theirs.sendall(b"a" * 150)
    settle(all_of_them)
    assert one.heard == [(b"a" * 100, False), (b"a" * 50 + b"b", False)]


def test_one_that_another_has_removed_is_not_called(pairs):
    all_of_them = Readers()
    (ours, theirs), (other, others) = pairs[:2]

    def leave():
        all_of_them.remove(ours.fileno())
        all_of_them.remove(other.fileno())

    one, two = Reading(ours, leave), Reading(other, leave)
    for sock, reader in ((ours, one), (other, two)):
        all_of_them.add(sock.fileno(), reader)
    theirs.sendall(b"a")
    others.sendall(b"b")
    settle(all_of_them)
    assert len(one.heard) + len(two.heard) == 1


def test_a_number_that_is_used_again_is_another_connection(pairs):
    all_of_them = Readers()
    ours, theirs = pairs[0]
    theirs.sendall(b"x")
    all_of_them.add(ours.fileno(), Reading(ours))
    all_of_them.remove(ours.fileno())
    heard = Reading(ours, lambda: all_of_them.remove(ours.fileno()))
    all_of_them.add(ours.fileno(), heard)
    settle(all_of_them)
    assert heard.heard == [(b"x", False)]


def test_there_is_one_for_a_loop():
    assert readers() is readers()
