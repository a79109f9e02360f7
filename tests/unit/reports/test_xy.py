"""Charts of one figure against another."""

from xml.etree import ElementTree as ET

import pytest

from harness.model.units import Unit
from harness.model.verdict import Outcome
from reports.charts import Bound
from reports.xy import Curve, Dot, Span, XyChart, _numbers_words, describe, render


def chart(**changes):
    values = {
        "id": "response",
        "title": "Response time against load",
        "across": "requests/s",
        "unit": Unit.SECONDS,
        "dots": (
            Dot(80.0, 0.02, Outcome.PASS, 1, "trial 1 <b>"),
            Dot(120.0, 2.5, Outcome.FAIL, 2, "trial 2"),
            Dot(100.0, 1.0, Outcome.INCONCLUSIVE, 3, "trial 3"),
            Dot(90.0, None, Outcome.INVALID, 4, "trial 4"),
        ),
        "curves": (Curve("p95", ((80.0, 0.02), (100.0, 1.0), (120.0, 2.5)), "first"),),
        "bounds": (Bound("p95 ≤ 2 s", 2.0, "critical"),),
        "spans": (Span("planned peak 80/s", 80.0), Span("bracket 80/s to 120/s", 80.0, 120.0)),
        "log": True,
    }
    return XyChart(**{**values, **changes})


def drawn(**changes):
    return ET.fromstring(str(render(chart(**changes))))


def test_every_trial_is_a_mark_whose_shape_and_word_are_its_outcome():
    marks = [each for each in drawn().iter("g") if each.get("class", "").startswith("trial ")]
    assert [mark.get("class") for mark in marks] == [
        "trial PASS",
        "trial FAIL",
        "trial INCONCLUSIVE",
        "trial INVALID",
    ]
    shapes = [tuple((part.tag, part.get("d") or part.get("r") or part.get("rx")) for part in mark) for mark in marks]
    assert len(set(shapes)) == 4, "told apart without colour"
    assert marks[0].find("title").text == "trial 1 <b>", "and text from outside is escaped"


def test_a_trial_without_a_value_stands_at_the_top():
    marks = {
        each.find("title").text: float(each.get("transform").split()[1].split(")")[0])
        for each in drawn().iter("g")
        if each.get("class", "").startswith("trial ")
    }
    assert marks["trial 4"] == min(marks.values())


def test_a_person_who_cannot_see_it_is_told():
    words = describe(chart())
    assert words.startswith(
        "By requests/s: 80: 20 ms (PASS), 90: beyond every value (INVALID), 100: 1 s (INCONCLUSIVE)"
    )
    assert "bracket 80/s to 120/s." in words
    assert "p95 ≤ 2 s." in words


def test_the_bracket_is_shaded_between_its_ends_and_the_planned_peak_is_a_line():
    picture = drawn()
    (bracket,) = [each for each in picture.iter("rect") if each.get("class") == "bracket"]
    (planned,) = [each for each in picture.iter("line") if each.get("class") == "planned"]
    assert float(bracket.get("x")) == float(planned.get("x1"))
    assert float(bracket.get("width")) > 100


def test_an_open_bracket_is_a_line_only():
    picture = drawn(spans=(Span("planned peak 80/s", 80.0), Span("bracket 90/s to ?", 90.0)))
    assert not [each for each in picture.iter("rect") if each.get("class") == "bracket"]


@pytest.mark.parametrize("dots", [(), (Dot(80.0, None, Outcome.INVALID, 1, "lost"),)])
def test_little_to_draw_is_drawn_all_the_same(dots):
    assert drawn(dots=dots, curves=(), bounds=(), spans=()).tag == "svg"
    assert drawn(dots=dots, curves=(), bounds=(), spans=(), log=False).tag == "svg"


def test_labels_do_not_cover_each_other_or_the_marks():
    dots = tuple(Dot(300.0 + 4 * n, 1.0, Outcome.PASS, n, "") for n in range(1, 7))
    names = next(each for each in drawn(dots=dots, curves=()).iter("g") if each.get("class") == "trial-names")
    boxes = [(float(t.get("x")), float(t.get("y")), len(t.text) * 6) for t in names]
    for index, (x, y, _) in enumerate(boxes):
        for other, other_y, width in boxes[:index]:
            assert abs(y - other_y) > 10 or x >= other + width or other >= x + 6


@pytest.mark.parametrize(
    ("numbers", "words"), [([3], "3"), ([3, 4], "3, 4"), ([3, 4, 5], "3–5"), ([2, 9, 10, 11, 12], "2, 9–12")]
)
def test_numbers_in_a_row_are_a_range(numbers, words):
    assert _numbers_words(numbers) == words
