"""When the page is opened, and what becomes of views that fail or come too late."""

from __future__ import annotations

from pathlib import Path

import pytest

import harness.experiment.pages as subject
from harness.experiment.pages import NO_CHROMIUM, PageWatch, due_seconds, view
from harness.model.plan import PhaseName
from harness.model.samples import PageView
from harness.planning.build import build_plan
from harness.planning.profiles import profile_named
from harness.samplers.chromium import ChromiumEnded, Seen
from harness.store.jsonl import read_lines
from harness.store.layout import RunDirectory
from targets.loader import find_stage, load_target

TARGET = load_target("flight-school")
PLAN = build_plan(TARGET, find_stage(TARGET, "0"), profile_named("smoke"), seed=7)


class Made:
    """A clock and a probe whose openings take so long. An exception stands for itself."""

    def __init__(self, *takes: float | Exception) -> None:
        self.now = 100.0
        self.takes = list(takes)
        self.rows: list[PageView] = []
        self.ends_at = float("inf")

    def open(self) -> Seen:
        took = self.takes.pop(0)
        if isinstance(took, Exception):
            raise took
        self.now += took
        return Seen(took, 200)

    def wait(self, seconds: float) -> bool:
        self.now = min(self.ends_at, self.now + seconds)
        return self.now >= self.ends_at

    def view(self, *due: float) -> list[PageView]:
        view(self, list(due), self.rows.append, every_seconds=2.0, wait=self.wait, clock=lambda: self.now)
        return self.rows


def test_the_page_is_opened_evenly_in_the_measure_phases_only() -> None:
    due = list(due_seconds(PLAN))
    assert len(due) == 4 * 15
    for level in PLAN.levels:
        measure = level.phase(PhaseName.MEASURE)
        inside = [second for second in due if level.start_seconds <= second < level.end_seconds]
        assert inside[0] == measure.start_seconds + 1
        assert inside[-1] == measure.end_seconds - 1


def test_no_browser_opens_the_page_where_the_stage_bounds_nothing_of_it() -> None:
    target = load_target("course-organizer")
    plans = {stage.name: build_plan(target, stage, profile_named("smoke"), seed=7) for stage in target.stages}
    assert {name: plan.page_seconds for name, plan in plans.items()} == {"1": 2.0, "2": 0.0, "3": 0.0, "4": 0.0}
    assert list(due_seconds(plans["2"])) == []


def test_what_was_seen_is_kept() -> None:
    class Probe:
        def open(self) -> Seen:
            return Seen(0.2, 200, load_seconds=0.4)

    rows: list[PageView] = []
    view(Probe(), [100.0], rows.append, every_seconds=2.0, wait=lambda _: False, clock=lambda: 100.0)
    assert rows == [PageView(100, 0.2, 200, load_seconds=0.4)]


def test_each_view_is_a_row_at_its_time() -> None:
    assert Made(0.3, 0.1).view(101, 103) == [PageView(101, 0.3, 200), PageView(103, 0.1, 200)]


def test_views_that_a_slow_page_held_up_are_not_passed_over() -> None:
    rows = Made(5.5, 0.1).view(101, 103, 105, 107)
    assert [row.opened for row in rows] == [True, False, False, True]
    assert rows[1].monotonic_seconds == 103
    assert "missed" in rows[1].reason


def test_a_failure_of_the_browser_says_nothing_of_the_page() -> None:
    rows = Made(ChromiumEnded("Chromium has ended"), 0.1).view(101, 103)
    assert rows == [
        PageView(101, None, opened=False, reason="ChromiumEnded: Chromium has ended"),
        PageView(103, 0.1, 200),
    ]


def test_it_ends_with_the_run() -> None:
    made = Made(0.1, 0.1, 0.1)
    made.ends_at = 102.0
    assert made.view(101, 103, 105) == [PageView(101, 0.1, 200)]


def test_without_chromium_it_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "find_chromium", lambda: None)
    run = RunDirectory(tmp_path)
    assert TARGET.page is not None
    watch = PageWatch(TARGET.page, PLAN, run, "http://127.0.0.1:1", folder=run.browser, environment={})
    watch.stop()  # before the start: nothing to stop
    watch = PageWatch(TARGET.page, PLAN, run, "http://127.0.0.1:1", folder=run.browser, environment={})
    watch.start()
    watch.stop()
    (row,) = read_lines(run.pages, PageView)
    assert (row.opened, row.reason) == (False, NO_CHROMIUM)
    assert "apt-get install" in row.reason
