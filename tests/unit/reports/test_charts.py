from xml.etree import ElementTree as ET

import pytest

from harness.model.units import Unit
from reports.charts import (
    LABEL_GAP,
    Band,
    Bound,
    Gap,
    Mark,
    Series,
    TimeAxis,
    TimeChart,
    describe,
    render,
    spread,
)

AXIS = TimeAxis(
    0,
    40,
    (Band("normal 5/s", 0, 20, (5, 17)), Band("peak 8/s", 20, 40, (25, 37))),
    (Mark(30, 1, "worker <recycled>"),),
)


def chart(**changes):
    values = {
        "id": "cpu",
        "title": "CPU",
        "unit": Unit.RATIO,
        "series": (Series("stack", ((1, 0.2), (2, 0.3), (3, None), (10, 0.4), (11, 0.5))),),
        "bounds": (Bound("warning 70 %", 0.7, "warning"), Bound("critical 90 %", 0.9, "critical")),
        "top": 1.0,
    }
    return TimeChart(**{**values, **changes})


def drawn(**changes):
    return ET.fromstring(str(render(chart(**changes), AXIS)))


def words(svg):
    return [node.text for node in svg.iter("text")]


def test_has_a_name_and_a_description_that_it_points_to():
    svg = drawn()
    assert svg.get("role") == "img"
    assert svg.get("aria-labelledby") == "cpu-title cpu-desc"
    assert svg.find("title").text == "CPU over time"
    assert "stack: normal 5/s 50 % (at most 50 %), peak" not in svg.find("desc").text  # nothing was seen at peak
    assert "stack: normal 5/s 50 % (at most 50 %)." in svg.find("desc").text


def test_a_series_that_saw_nothing_says_so_in_words():
    assert "stack: no data." in describe(chart(series=(Series("stack", ((1, None),)),)), AXIS)


def test_a_gap_breaks_the_line_and_is_hatched_with_its_reason():
    svg = drawn(gaps=(Gap(3, 10, "connection refused"),))
    lines = [node.get("d") for node in svg.iter("path") if "line" in (node.get("class") or "")]
    assert len(lines) == 2
    hatched = [node for node in svg.iter("rect") if node.get("fill") == "url(#hatch)"]
    assert [node.find("title").text for node in hatched] == ["no data: connection refused"]


def test_a_lone_point_is_drawn_as_a_dot():
    svg = drawn(series=(Series("stack", ((1, 0.2), (2, None), (3, 0.5), (4, 0.6))),))
    assert len(list(svg.iter("circle"))) == 1


def test_bounds_levels_units_and_marks_are_labelled():
    said = words(drawn())
    assert {"warning 70 %", "critical 90 %", "stack", "normal 5/s", "peak 8/s", "100 %", "min:s", "1"} <= set(said)


def test_a_logarithmic_axis_survives_zeros_and_no_data():
    drawn(log=True, unit=Unit.SECONDS, series=(Series("p95", ((1, 0.0), (2, 0.1))),), bounds=(), top=0.0)
    drawn(log=True, unit=Unit.SECONDS, series=(Series("p95", ((1, None),)),), bounds=(), top=0.0)


def test_bars_leave_zeros_out():
    svg = drawn(series=(Series("errors", ((1, 0.0), (2, 3.0), (3, 1.0)), "bars"),), unit=Unit.COUNT, bounds=())
    bars = next(node for node in svg.iter("g") if node.get("class") == "bars")
    assert len(bars) == 2


def test_the_same_chart_gives_the_same_bytes():
    assert render(chart(), AXIS) == render(chart(), AXIS)


def test_numbers_of_marks_close_together_climb():
    axis = TimeAxis(0, 40, (), tuple(Mark(at, number, "x") for number, at in enumerate((10, 10.2, 30), start=1)))
    svg = ET.fromstring(str(render(chart(), axis)))
    marks = next(node for node in svg.iter("g") if node.get("class") == "marks")
    heights = [float(node.get("y")) for node in marks.iter("text")]
    assert heights[0] - heights[1] == 11
    assert heights[2] == heights[0]


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([50.0, 52.0, 90.0], [50.0, 64.0, 90.0]),
        ([99.0, 100.0], [86.0, 100.0]),
        ([], []),
    ],
)
def test_labels_are_moved_apart(places, expected):
    assert spread(places, 0, 100) == expected
    assert LABEL_GAP == 14
