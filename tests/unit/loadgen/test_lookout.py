"""One timer for everybody: each is looked after in its time, and nobody who has said never mind."""

from __future__ import annotations

import gevent
import pytest

from harness.loadgen.socketio.lookout import Lookout, lookout


class Noting:
    def __init__(self, then=None):
        self.looked = []
        self.then = then

    def look(self, now):
        self.looked.append(now)
        if self.then is not None:
            self.then()


@pytest.fixture
def out():
    gevent.get_hub().loop.update_now()
    return Lookout()


def settle(out):
    """Until there is nobody to look after, and so no timer that keeps the loop going."""
    with gevent.Timeout(5):
        while out._timer is not None:
            gevent.sleep(0.002)
    assert not out._slots and not out._order


def test_each_is_looked_after_once_in_its_time_and_never_early(out):
    began = gevent.get_hub().loop.now()
    after = [0.3, 0.0, 0.1, 0.1, 0.2]
    ones = [Noting() for _ in after]
    for seconds, one in zip(after, ones, strict=True):
        out.put(seconds, one)
    settle(out)
    for seconds, one in zip(after, ones, strict=True):
        assert len(one.looked) == 1
        assert seconds <= one.looked[0] - began < seconds + 0.5


def test_nobody_who_never_mind_s(out):
    kept, gone, alone = Noting(), Noting(), Noting()
    slot = out.put(0.1, gone)
    assert out.put(0.1, kept) == slot
    other = out.put(0.05, alone)
    out.remove(slot, gone)
    out.remove(other, alone)
    settle(out)
    assert (len(kept.looked), gone.looked, alone.looked) == (1, [], [])
    out.remove(slot, kept)  # too late, and no harm


def test_with_nobody_left_the_loop_comes_to_its_end(out):
    one = Noting()
    out.remove(out.put(60, one), one)
    settle(out)
    assert not one.looked
    out.put(0.01, one)
    settle(out)
    assert len(one.looked) == 1


def test_who_is_looked_after_may_put_itself_again_and_send_others_away(out):
    def again():
        if len(one.looked) < 3:
            out.put(0.01, one)
        out.remove(slot, other)

    one, other = Noting(again), Noting()
    out.put(0.01, one)
    slot = out.put(0.2, other)
    settle(out)
    assert len(one.looked) == 3 and not other.looked


def test_there_is_one_for_a_loop():
    assert lookout() is lookout()
