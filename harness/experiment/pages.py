"""A browser that opens the system's page every few seconds while load is measured, in a thread beside the run."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from harness.model.plan import LoadPlan, PhaseName
from harness.model.samples import Event, PageView
from harness.model.target import Page
from harness.planning.budget import page_views
from harness.samplers.base import describe
from harness.samplers.browser import PageProbe
from harness.samplers.chromium import INSTALL, Chromium, Seen, find_chromium
from harness.store.jsonl import Appender, Tail
from harness.store.layout import RunDirectory

_JOIN_SECONDS = 15.0
_LOOK_SECONDS = 0.2
NO_CHROMIUM = f"there is no Chromium to open the page with; {INSTALL}"


class Probe(Protocol):
    """What opens the page."""

    def open(self) -> Seen:
        """Open it once."""


def due_seconds(plan: LoadPlan) -> Iterator[float]:
    """When the page is to be opened, in seconds of the load: evenly over each measure phase."""
    for level in plan.levels:
        measure = level.phase(PhaseName.MEASURE)
        views = range(page_views(measure.duration_seconds, plan.page_seconds))
        yield from (measure.start_seconds + (number + 0.5) * plan.page_seconds for number in views)


class PageWatch:
    """One run's browser. Nothing that goes wrong with it ends the run: it is written down, and judged as not seen."""

    def __init__(
        self,
        page: Page,
        plan: LoadPlan,
        run: RunDirectory,
        base_url: str,
        *,
        folder: Path,
        environment: Mapping[str, str],
    ) -> None:
        """folder: for Chromium's profile. environment: what marks it as one of the run's processes."""
        self._page, self._plan, self._run, self._base_url = page, plan, run, base_url
        self._ended = threading.Event()
        program = find_chromium()
        self._chromium = (
            None if program is None else Chromium(program, folder, run.logs / "chromium.log", dict(environment))
        )
        self._thread = threading.Thread(target=self._watch, name="browser", daemon=True)

    def start(self) -> None:
        """Chromium starts, and opens the page once to warm up."""
        self._thread.start()

    def stop(self) -> None:
        """End it and wait for it. May be called again, and before ``start``."""
        self._ended.set()
        if self._thread.ident is None:
            return
        if self._chromium is not None:
            self._chromium.end_soon()
        self._thread.join(_JOIN_SECONDS)

    def _watch(self) -> None:
        with Appender(self._run.pages) as rows:
            if self._chromium is None:
                rows.append(PageView(time.monotonic(), None, opened=False, reason=NO_CHROMIUM))
                return
            try:
                self._chromium.start()
                probe = PageProbe(self._chromium, self._base_url, self._page, os.environ)
                with suppress(Exception):  # the first page of a fresh browser is slow, and not what is measured
                    probe.open()
                start = self._load_start()
                if start is not None:
                    due = [start + second for second in due_seconds(self._plan)]
                    view(probe, due, rows.append, every_seconds=self._plan.page_seconds, wait=self._ended.wait)
            except Exception as error:  # noqa: BLE001 - whatever it was is evidence
                if not self._ended.is_set():
                    rows.append(PageView(time.monotonic(), None, opened=False, reason=describe(error)))
            finally:
                self._chromium.close()

    def _load_start(self) -> float | None:
        events = Tail(self._run.events, Event)
        while True:
            for event in events.read():
                if event.name == "load-start":
                    return event.monotonic_seconds
            if self._ended.wait(_LOOK_SECONDS):
                return None


def view(
    probe: Probe,
    due: list[float],
    record: Callable[[PageView], None],
    *,
    every_seconds: float,
    wait: Callable[[float], bool],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Open the page whenever it is due, until ``wait`` says that the run has ended.

    Views that could not begin in time, because the one before took so long, are rows too: they may have been slow.
    """
    for at in due:
        while (left := at - clock()) > 0:
            if wait(left):
                return
        if clock() - at > every_seconds / 2:
            record(PageView(at, None, opened=False, reason="missed: the page before was still open"))
            continue
        if wait(0):
            return
        began = clock()
        try:
            seen = probe.open()
            row = PageView(began, seen.paint_seconds, seen.status, reason=seen.reason, load_seconds=seen.load_seconds)
        except Exception as error:  # noqa: BLE001 - the probe's own failure; the next view may succeed
            row = PageView(began, None, opened=False, reason=describe(error))
        if wait(0):
            return  # what failed now may have failed because the run's end took Chromium away
        record(row)
