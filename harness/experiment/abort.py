"""When to stop raising the load. Pure: fed one observation a second, answers with a reason or None.

An aborted run keeps its evidence; what it did not reach is INCONCLUSIVE.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.plan import LevelName


@dataclass(frozen=True, slots=True)
class Observation:
    """One second of the run. Ratios 0…1; None where nothing was seen (which never fires a rule).

    completed, bad: the HTTP requests that ended, or were given up, in it, whenever they were meant to start: of those
    that started in it the slow good ones would still be missing, and the bad ones look like most.
    """

    second: int
    level: LevelName | None
    host_cpu_ratio: float | None
    host_memory_ratio: float | None
    completed: int
    bad: int


@dataclass(frozen=True, slots=True)
class AbortRule:
    """Fires when ``condition`` holds for ``seconds`` observations in a row."""

    name: str
    seconds: int
    reason: str


MEMORY = AbortRule("memory", 3, "the host's memory is over 95 % full")
ERRORS = AbortRule("errors", 10, "more than half of the requests failed for 10 s")
SATURATED = AbortRule("host-saturated", 20, "the host was busier than 98 % for 20 s below the proof load")
RULES: tuple[AbortRule, ...] = (MEMORY, ERRORS, SATURATED)


def _holds(rule: AbortRule, seen: Observation) -> bool:
    if rule is MEMORY:
        return seen.host_memory_ratio is not None and seen.host_memory_ratio > 0.95
    if rule is ERRORS:
        return seen.bad > seen.completed
    # At 3x-peak saturation is what the test is there to bring about; below it, more load would show nothing new.
    below_proof = seen.level in (LevelName.NORMAL, LevelName.PEAK)
    return below_proof and seen.host_cpu_ratio is not None and seen.host_cpu_ratio > 0.98


class AbortWatch:
    """Counts for how many seconds in a row each rule's condition has held."""

    def __init__(self, rules: tuple[AbortRule, ...] = RULES) -> None:
        self._rules = rules
        self._streaks = dict.fromkeys(rules, 0)

    def observe(self, seen: Observation) -> AbortRule | None:
        """The rule that fires with this observation, if one does."""
        for rule in self._rules:
            self._streaks[rule] = self._streaks[rule] + 1 if _holds(rule, seen) else 0
            if self._streaks[rule] >= rule.seconds:
                return rule
        return None
