import pytest

from harness.model.units import Unit
from reports.scales import Scale, format_clock, format_tick, linear_ticks, log_ticks, time_ticks


def test_a_straight_scale_maps_its_ends_and_stays_inside():
    scale = Scale(0, 10, 100, 200)
    assert [scale(0), scale(5), scale(10), scale(-3), scale(99)] == [100, 150, 200, 100, 200]


def test_a_logarithmic_scale_gives_each_decade_the_same_room():
    scale = Scale(0.001, 10, 0, 400, log=True)
    assert [round(scale(value)) for value in (0.001, 0.01, 0.1, 1, 10)] == [0, 100, 200, 300, 400]


@pytest.mark.parametrize(("low", "log"), [(5, False), (0, True)])
def test_a_scale_without_a_range_is_refused(low, log):
    with pytest.raises(ValueError, match="scale"):
        Scale(low, 5, 0, 1, log)


@pytest.mark.parametrize(
    ("high", "unit", "ticks"),
    [
        (1.0, Unit.RATIO, (0, 0.25, 0.5, 0.75, 1)),
        (240, Unit.PER_SECOND, (0, 100, 200, 300)),
        (3, Unit.COUNT, (0, 1, 2, 3)),
        (0, Unit.COUNT, (0, 1)),
        (3 * 2**30, Unit.BYTES, (0, 2**30, 2 * 2**30, 3 * 2**30)),
    ],
)
def test_linear_ticks_are_round_and_reach_the_top(high, unit, ticks):
    assert linear_ticks(high, unit) == ticks


def test_log_ticks_enclose_the_data():
    assert log_ticks(0.004, 2.0) == (0.001, 0.01, 0.1, 1.0, 10.0)
    assert log_ticks(0.01, 0.01) == (0.01, 0.1)


def test_time_ticks_are_round_times_inside_the_axis():
    assert time_ticks(0, 192) == (0, 30, 60, 90, 120, 150, 180)
    assert time_ticks(3, 8) == (3, 4, 5, 6, 7, 8)


@pytest.mark.parametrize(("seconds", "words"), [(0, "0:00"), (65.4, "1:05"), (3600, "60:00"), (-3, "−0:03")])
def test_clock(seconds, words):
    assert format_clock(seconds) == words


def test_zero_needs_no_unit():
    assert format_tick(0, Unit.SECONDS) == "0"
    assert format_tick(0.5, Unit.RATIO) == "50 %"
