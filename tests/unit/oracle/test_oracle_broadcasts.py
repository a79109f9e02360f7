"""What becomes of messages, seeded and without sockets."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from harness.oracle.broadcasts import Chat, DeliveryFate, Switchboard


def switchboard(**shares: float) -> Switchboard:
    return Switchboard(Chat(**shares), Random(1))


def test_without_faults_each_receiver_gets_each_message_once():
    sendings, held = switchboard().broadcast("m1", ["a", "b"])
    assert [(each.receiver, each.message, each.fate) for each in sendings] == [
        ("a", "m1", DeliveryFate.DELIVERED),
        ("b", "m1", DeliveryFate.DELIVERED),
    ]
    assert held == ()


def test_shares_are_what_they_should_be():
    chat, random = Chat(lost=0.1, duplicated=0.05, reordered=0.02), Random(2)
    counts = Counter(chat.fate(random) for _ in range(50_000))
    for fate, share in (("lost", 0.1), ("duplicated", 0.05), ("reordered", 0.02), ("delivered", 0.83)):
        assert counts[DeliveryFate(fate)] / 50_000 == pytest.approx(share, rel=0.08)


def test_a_duplicate_is_sent_twice_and_logged_once():
    sendings, _ = switchboard(duplicated=1.0).broadcast("m", ["a"])
    assert [each.fate for each in sendings] == [DeliveryFate.DUPLICATED, None]


def test_a_held_message_comes_after_the_next():
    board = switchboard(reordered=1.0)
    assert board.broadcast("m1", ["a"]) == ((), ("a",))
    sendings, held = board.broadcast("m2", ["a"])
    assert [(each.message, each.fate) for each in sendings] == [
        ("m2", DeliveryFate.DELIVERED),
        ("m1", DeliveryFate.REORDERED),
    ]
    assert held == ()
    assert board.give_up("a", "m1") is None


def test_a_held_message_that_nothing_overtakes_is_delivered_in_order():
    board = switchboard(reordered=1.0)
    board.broadcast("m1", ["a"])
    given_up = board.give_up("a", "m1")
    assert given_up is not None
    assert given_up.fate is DeliveryFate.DELIVERED
    assert board.give_up("a", "m1") is None


def test_nothing_is_kept_for_who_has_gone():
    board = switchboard(reordered=1.0)
    board.broadcast("m1", ["a"])
    board.forget("a")
    assert board.give_up("a", "m1") is None


def test_a_lost_message_overtakes_nothing():
    board = Switchboard(Chat(lost=0.5, reordered=0.5), Random(0))
    held: set[str] = set()
    for number in range(200):
        sendings, now_held = board.broadcast(f"m{number}", ["a"])
        if any(each.fate is DeliveryFate.REORDERED for each in sendings):
            assert sendings[0].fate is DeliveryFate.DELIVERED
            held.clear()
        held |= set(now_held)
        assert len(held) <= 1
