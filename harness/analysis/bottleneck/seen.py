"""What a rule found of its resource, and how numbers are told in its words."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from harness.analysis.bottleneck.series import Stretch, Watched
from harness.analysis.tested import percent


@dataclass(frozen=True, slots=True)
class Seen:
    """What one rule found. use: see ``ResourceState``. words: the evidence between two seconds of the load.

    absent: why there is no such resource. missing: what was not observed; both empty when there is data. reading: the
    series that shows it, where it is not the resource's usual one.
    """

    stretches: tuple[Stretch, ...] = ()
    use: float | None = None
    words: Callable[[float, float], str] = lambda first, last: ""
    absent: str = ""
    missing: str = ""
    reading: tuple[str, str] | None = None


def nothing_seen(watched: Watched, native: bool, source: str, missing: str, absent: str) -> Seen:
    """A source of which nothing is known: a native stack that is not asked about it does not have it."""
    return Seen(absent=absent) if native and not watched.sampled(source) else Seen(missing=missing)


def count_of(number: float, noun: str) -> str:
    """``1 client``, ``2.8 clients``, ``130 clients``."""
    text = f"{number:.0f}" if number >= 10 else f"{number:.2g}"
    return f"{text} {noun}" + ("" if text == "1" else "s")


def share(value: float) -> str:
    """``81 %``; NaN is nothing that anybody saw."""
    return "an unknown share" if math.isnan(value) else percent(max(0.0, value))
