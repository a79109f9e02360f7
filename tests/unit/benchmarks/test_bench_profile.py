"""py-spy's stacks, summed by the innermost function."""

from __future__ import annotations

import pytest

from tests.benchmarks.profile import own_times

STACKS = (
    "run (/venv/lib/python3.11/site-packages/gevent/hub.py:1);add (/work/harness/loadgen/recorder.py:44) 30",
    "add (/work/harness/loadgen/recorder.py:45) 30",
    "run (/venv/lib/python3.11/site-packages/gevent/hub.py:10) 40",
    "",
)


def test_lines_of_one_function_are_one_place():
    samples, places = own_times(STACKS)
    assert samples == 100
    assert places == [
        ("harness/loadgen/recorder.py add", pytest.approx(0.6)),
        ("gevent/hub.py run", pytest.approx(0.4)),
    ]


def test_nothing_sampled_is_no_place():
    assert own_times([]) == (0, [])
