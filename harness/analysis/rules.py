"""Rules over windows of time: "for so long", and how long a recovery takes (methodology §4, §10, vector T20)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DurationRule:
    """Whether "bad for so many windows in a row" came true.

    fired_at: index of the window that completed the row; None when it did not. unknown: share of windows with too few
    observations to say; above 20 % the answer "did not fire" is inconclusive.
    """

    fired_at: int | None
    unknown: float
    conclusive: bool


@dataclass(frozen=True, slots=True)
class Recovery:
    """How long the system took to come back.

    seconds: from the disturbance's end (or the fault) to the first window of a row of good ones; None: not within
    what was observed. observed_seconds: how long was watched after it. bad_seconds: windows that were not good.
    """

    seconds: float | None
    observed_seconds: float
    bad_seconds: float


def window_state(bad: int, n: int, allowed: float, least_n: int) -> bool | None:
    """Whether a window is good: bad ÷ n ≤ allowed; None when it holds too few observations to say."""
    return None if n < least_n else bad <= allowed * n


def duration_rule(good: Sequence[bool | None], consecutive: int) -> DurationRule:
    """Fire after so many bad windows in a row; a good one resets; an unknown one neither resets nor advances."""
    run, fired_at = 0, None
    for index, state in enumerate(good):
        if state is None:
            continue
        run = 0 if state else run + 1
        if run == consecutive:
            fired_at = index
            break
    unknown = sum(state is None for state in good) / len(good) if good else 1.0
    return DurationRule(fired_at, unknown, fired_at is not None or unknown <= 0.2)


def recovery_time(
    good: Sequence[bool | None],
    start: int,
    consecutive: int,
    *,
    window_seconds: float = 1.0,
    disturbed_before: bool = False,
) -> Recovery:
    """From window ``start`` on: when does the first row of so many good windows begin?

    For a fault, only rows after the first bad window count, since its effect may come late; without any bad window
    the time is 0 (believe it only if the fault is confirmed on its own). disturbed_before: the disturbance lasted until
    ``start`` (3x-peak), so a row that begins at once is a recovery in 0. An unknown window neither breaks nor lengthens
    a row.
    """
    watched = good[start:]
    bad = sum(state is False for state in watched)
    observed = len(watched) * window_seconds
    first_bad = next((index for index, state in enumerate(watched) if state is False), None)
    if first_bad is None and not disturbed_before:
        return Recovery(0.0, observed, 0.0)
    begin: int | None = None
    run = 0
    for index in range(0 if disturbed_before else first_bad or 0, len(watched)):
        state = watched[index]
        if state is False:
            begin, run = None, 0
        elif state is True:
            begin = index if begin is None else begin
            run += 1
            if run == consecutive:
                return Recovery(begin * window_seconds, observed, bad * window_seconds)
    return Recovery(None, observed, bad * window_seconds)
