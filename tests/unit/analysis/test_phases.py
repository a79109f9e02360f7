from __future__ import annotations

from harness.analysis.phases import batch_ranges, whole_seconds


def test_only_seconds_that_lie_wholly_inside():
    assert whole_seconds(10, 13) == range(10, 13)
    assert whole_seconds(10.5, 13.5) == range(11, 13)
    assert whole_seconds(10.2, 10.8) == range(11, 11)


def test_batches_are_contiguous_and_of_nearly_the_same_length():
    assert batch_ranges(range(10, 40), 3) == tuple(range(start, start + 3) for start in range(10, 40, 3))
    assert [len(each) for each in batch_ranges(range(31), 3)] == [3, 3, 3, 3, 4, 3, 3, 3, 3, 3]
    assert batch_ranges(range(5, 7), 3) == (range(5, 7),)
    assert batch_ranges(range(5, 5), 3) == ()
