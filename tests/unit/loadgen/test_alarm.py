"""Greenlets woken at their moment: in order, never early, and none lost when another is killed."""

from __future__ import annotations

import time

import gevent
import greenlet
import pytest

from harness.loadgen.alarm import Alarm


@pytest.fixture
def alarm():
    gevent.get_hub().loop.update_now()  # it has not run since the tests began: timeouts would count from then
    alarm = Alarm()
    yield alarm
    alarm.close()


def test_sleepers_wake_in_the_order_of_their_moments_and_never_early(alarm):
    woken = []
    start = time.monotonic()

    def sleep(seconds):
        alarm.sleep_until(start + seconds)
        woken.append((seconds, time.monotonic() - start))

    moments = [0.03, 0.0004, 0.02, 0.0102, 0.01, 0.0004]
    gevent.joinall([gevent.spawn(sleep, seconds) for seconds in moments], timeout=5, raise_error=True)
    assert [seconds for seconds, _ in woken] == sorted(moments)
    assert all(at >= seconds for seconds, at in woken)


def test_most_wake_far_more_precisely_than_the_loop_s_own_timer(alarm):
    overshoots = []
    for _ in range(40):
        moment = time.monotonic() + 0.0025  # half-way between two of the loop's whole milliseconds
        alarm.sleep_until(moment)
        overshoots.append(time.monotonic() - moment)
    assert sorted(overshoots)[10] < 0.0004  # of four one may be disturbed by whatever else the machine does


def test_the_past_lets_others_run_once(alarm):
    ran = []

    def other():
        ran.append("once")
        gevent.sleep(0)
        gevent.sleep(0)
        ran.append("later")

    greenlet = gevent.spawn(other)
    alarm.sleep_until(time.monotonic() - 1)
    assert ran == ["once"]
    greenlet.join()


def test_one_who_is_killed_while_letting_others_run_is_not_woken_again(alarm):
    past = time.monotonic() - 1
    went_on = []

    def let(name):
        alarm.sleep_until(past)
        went_on.append(name)
        gevent.sleep(0.01)  # where a stray wake-up would come to
        went_on.append(f"{name} again")

    def killed():
        try:
            alarm.sleep_until(past)
        finally:
            gevent.sleep(0.02)
            went_on.append("killed")

    first = gevent.spawn(let, "first")
    victim = gevent.spawn(killed)
    last = gevent.spawn(let, "last")
    gevent.get_hub().loop.run_callback(victim.throw, gevent.GreenletExit)  # before their turn comes
    began = time.monotonic()
    gevent.joinall([first, victim, last], timeout=5)
    assert time.monotonic() - began >= 0.02
    assert went_on == ["first", "last", "first again", "last again", "killed"]


def test_one_who_fails_does_not_keep_the_others_waiting(alarm, capsys):
    def fail():
        alarm.sleep_until(time.monotonic() - 1)
        raise ValueError("a mistake")

    raw = greenlet.greenlet(fail, gevent.get_hub())
    other = gevent.spawn(alarm.sleep_until, time.monotonic() - 1)
    gevent.get_hub().loop.run_callback(raw.switch)
    gevent.sleep(0)
    other.join(timeout=5)
    assert other.successful()
    assert "a mistake" in capsys.readouterr().err


def test_a_killed_sleeper_wakes_nobody_else_early_or_late(alarm):
    start = time.monotonic()
    first = gevent.spawn(alarm.sleep_until, start + 0.01)
    second = gevent.spawn(alarm.sleep_until, start + 0.02)
    gevent.sleep(0)
    first.kill()
    second.join(timeout=5)
    assert second.successful() and time.monotonic() - start >= 0.02


def test_a_sleeper_may_sleep_again_and_set_a_nearer_moment(alarm):
    start = time.monotonic()
    order = []

    def twice():
        alarm.sleep_until(start + 0.005)
        alarm.sleep_until(start + 0.008)
        order.append("twice")

    def once():
        alarm.sleep_until(start + 0.02)
        order.append("once")

    gevent.joinall([gevent.spawn(once), gevent.spawn(twice)], timeout=5, raise_error=True)
    assert order == ["twice", "once"]
